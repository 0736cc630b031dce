import { expect, test } from "@jest/globals";
import type { Principal } from "./events.ts";
import { id } from "./id.ts";
import { closeIncident, openIncident } from "./incident.ts";
import { instant } from "./time.ts";

const SAM: Principal = { kind: "account", person: undefined, issuer: "i", subject: "sam", actors: [] };
const [NOW, LATER] = [instant(1_795_478_400_000), instant(1_795_478_460_000)];
const asked = {
  id: id("incident", "01930000-0000-7000-8000-000000000007"),
  severity: "high" as const,
  scope: "orders",
  title: "Orders\0 are sent twice",
};

test("one that is opened is open since then at version 1, and whoever did it is on record", () => {
  const { incident, event } = openIncident(asked, SAM, NOW);
  expect(incident).toMatchObject({ version: 1, state: "open", openedAt: NOW, closedAt: undefined });
  expect(event).toMatchObject({ type: "incident.opened", by: SAM, data: { incidentId: asked.id, scope: "orders" } });
});

test("no text that no column can hold gets into it", () => {
  expect(openIncident(asked, SAM, NOW).incident.title).toBe("Orders\uFFFD are sent twice");
});

test("closing counts as a change and keeps when it began; a second time changes nothing", () => {
  const { incident } = openIncident(asked, SAM, NOW);
  const closed = closeIncident(incident, "over", SAM, LATER);
  if (closed.kind !== "closed") throw new Error(closed.kind);
  expect(closed.incident).toEqual({ ...incident, state: "closed", version: 2, closedAt: LATER });
  expect(closed.event.data).toEqual({ incidentId: asked.id, reason: "over" });
  expect(closeIncident(closed.incident, undefined, SAM, LATER)).toEqual({ kind: "already_closed" });
});
