import { describe, expect, test } from "@jest/globals";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import type { Incident } from "../../../core/domain/incident.ts";
import { instant } from "../../../core/domain/time.ts";
import { incidentKey } from "../../../core/messages/incident-record.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import { createGrantsView } from "./grants-view.ts";

const NOW = instant(1_795_478_400_000);
const CLOCKS = { wall: NOW, monoMs: 1_000 };
const incident: Incident = {
  id: id("incident", "01930000-0000-7000-8000-000000000007"),
  ...{ version: 1, state: "open", severity: "high", scope: "orders", openedAt: NOW },
};
const key = incidentKey(incident.id);
const hash = (version: number) => stateRecordHash(key, version);

/** A view in which one incident is open, and confirmed. Each `beat` is a heartbeat that is younger than the last. */
function withOneOpen() {
  const view = createGrantsView();
  let madeMs = 0;
  const beatOf = (ms: number, sum: bigint) =>
    view.heartbeat({ databaseTime: instant(NOW + ms), setHash: setHashOf(sum) }, CLOCKS);
  const beat = (sum: bigint) => {
    madeMs += 1;
    beatOf(madeMs, sum);
  };
  const say = (version: number, state: Incident["state"] = "open") =>
    view.apply({ key, version, value: { kind: "incident", incident: { ...incident, version, state } } });
  say(1);
  beat(hash(1));
  return { view, beat, beatOf, say, seen: () => [view.incidents()?.length, view.freshness(CLOCKS).kind] };
}

describe("an open incident", () => {
  test("does not end by a null that anybody could have written, as often as it comes", () => {
    const { view, beat, say, seen } = withOneOpen();
    for (let round = 0; round < 3; round += 1) {
      view.tombstone(key);
      expect(seen()).toEqual([1, "fresh"]);
      beat(hash(1));
      expect(seen()).toEqual([1, "stale"]);
      say(1);
      expect(seen()).toEqual([1, "stale"]);
      beat(hash(1));
      expect(seen()).toEqual([1, "fresh"]);
    }
  });

  test("does not end by a null and a heartbeat from before it was opened, replayed together", () => {
    const { view, beatOf, seen } = withOneOpen();
    view.tombstone(key);
    beatOf(0, 0n);
    expect(seen()).toEqual([1, "fresh"]);
  });

  test("does not end by a null and the latest heartbeat, of before it was opened, once more", () => {
    const view = createGrantsView();
    const before = () => view.heartbeat({ databaseTime: NOW, setHash: setHashOf(0n) }, CLOCKS);
    before();
    view.apply({ key, version: 1, value: { kind: "incident", incident } });
    view.tombstone(key);
    before();
    expect(view.incidents()).toHaveLength(1);
  });

  test("does not end by a null that a record which cannot be read has repaired", () => {
    const { view, beat, seen } = withOneOpen();
    view.tombstone(key);
    view.apply({ key, version: 2, value: undefined });
    beat(hash(2));
    expect(seen()).toEqual([1, "fresh"]);
  });

  test("does not end by a record that cannot be read, but by the next one that can", () => {
    const { view, beat, say, seen } = withOneOpen();
    view.apply({ key, version: 2, value: undefined });
    beat(hash(2));
    expect(seen()).toEqual([1, "fresh"]);
    say(3, "closed");
    expect(seen()[0]).toBe(0);
  });

  test("ends by a null that a heartbeat confirms, as after a restore of the database", () => {
    const { view, beat, seen } = withOneOpen();
    view.tombstone(key);
    beat(0n);
    expect(seen()).toEqual([0, "fresh"]);
    const other = withOneOpen();
    other.view.apply({ key, version: 2, value: undefined });
    other.view.tombstone(key);
    other.beat(0n);
    expect(other.seen()).toEqual([0, "fresh"]);
  });
});

describe("a grant", () => {
  const uuid = (n: number) => `01930000-0000-7000-8000-00000000000${n}`;
  const grant: Grant = {
    ...{ id: id("grant", uuid(1)), requestId: id("request", uuid(2)), denialId: id("denial", uuid(3)), version: 2 },
    ...{ person: undefined, issuer: "https://idp.example", subject: "dana", actors: [] },
    ...{ entitlement: "orders-delete", scope: "order/42", binding: { kind: "scope" }, state: "active" },
    ...{ uses: 0, maxUses: "unlimited", notBefore: NOW, expiresAt: instant(NOW + 60_000) },
  };
  const caller = { issuer: grant.issuer, id: "dana", groups: [], claims: {}, actors: [] };
  const ofGrant = grantKey(grant.id);

  function withOneKnown() {
    const view = createGrantsView();
    const say = (one: Grant) =>
      view.apply({ key: ofGrant, version: one.version, value: { kind: "grant", grant: one } });
    view.heartbeat({ databaseTime: NOW, setHash: setHashOf(0n) }, CLOCKS);
    say(grant);
    return { view, say, standing: () => view.standing(caller, grant.id) };
  }

  test("is replaced by its newer record, and not by an older one or by itself", () => {
    const { say, standing } = withOneKnown();
    expect([say({ ...grant, version: 1, state: "revoked" }), standing()]).toEqual(["older", "known"]);
    expect([say(grant), standing()]).toEqual(["applied", "known"]);
    expect([say({ ...grant, version: 3, state: "revoked" }), standing()]).toEqual(["applied", "ended"]);
    expect([say(grant), standing()]).toEqual(["older", "ended"]);
  });

  test("is gone by a null, and by a newer record that cannot be read", () => {
    const nulled = withOneKnown();
    expect([nulled.view.tombstone(ofGrant), nulled.standing()]).toEqual(["applied", "unknown"]);
    expect([nulled.say(grant), nulled.standing()]).toEqual(["applied", "known"]);
    const unread = withOneKnown();
    expect(unread.view.apply({ key: ofGrant, version: 3, value: undefined })).toBe("applied");
    expect([unread.standing(), unread.say(grant), unread.standing()]).toEqual(["unknown", "older", "unknown"]);
  });

  test("is nobody else's: an agent who acts for its account does not have it", () => {
    const { view } = withOneKnown();
    const agent = { issuer: grant.issuer, id: "agent" };
    expect(view.standing({ ...caller, actors: [agent] }, grant.id)).toBe("unknown");
    expect(view.standing({ ...caller, id: "sam" }, grant.id)).toBe("unknown");
  });
});
