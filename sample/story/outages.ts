/** Step 12: parts die. Reads go on, elevations fail closed, and no grant is lost or spent twice. */
import type { Answer } from "../../platform/programs/client.ts";
import { ARRIVAL_MS, deniedId, granted, passes, refused } from "./ask.ts";
import { eventually, members, refusal } from "./see.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";

export async function outages(stage: Stage, tell: Teller): Promise<void> {
  const dana = await stage.as("dana");
  const remove = () => dana.proxy("DELETE", "/orders/46");
  await stage.orders("POST", "/orders", { body: { id: "46", item: "rug" } });
  const grantId = await granted(stage, await deniedId(stage, "DELETE", "/orders/46"), { max_uses: 3 });
  const arrived = await eventually("the grant to arrive", ARRIVAL_MS, remove, passes);
  await stage.orders("POST", "/orders", { body: { id: "46", item: "rug" } });

  tell.step(12, "the approval service is killed; then the database");
  tell.see("DELETE /orders/46, the first of three uses", 200, arrived.answer.status);
  await stage.approval.kill();
  const read = () => dana.proxy("GET", "/orders/43");
  tell.see("GET /orders/43 without the approval service", 200, (await read()).status);
  const uncounted = await eventually("its use to be refused", ARRIVAL_MS, remove, (answer) => {
    return ["redemption_unavailable", "grants_stale"].includes(failure(answer).code);
  });
  tell.see(
    "DELETE /orders/46, whose use nobody can count",
    closed("redemption_unavailable"),
    failure(uncounted.answer),
  );
  const stale = await eventually("what is known of grants to be too old", ARRIVAL_MS, remove, (answer) => {
    return failure(answer).code === "grants_stale";
  });
  tell.see("and 5 s after the last heartbeat", closed("grants_stale"), failure(stale.answer));
  await stage.decision.stop();
  await stage.decision.start();
  const back = await eventually("Envoy to find it again", ARRIVAL_MS, read, ({ status }) => status !== 503);
  tell.see("GET /orders/43 after a restart of the decision service", 200, back.answer.status);

  await stage.database.kill();
  await stage.database.start();
  await stage.approval.start();
  await stage.decision.untilFresh();
  const kept = await dana.approvals("GET", `/v1/grants/${grantId}`);
  tell.see(
    "the grant after both are back",
    { status: 200, state: "active", uses: 1 },
    { status: kept.status, ...members(kept.body, "state", "uses") },
  );
  const first = await eventually("the decision service to reach it again", ARRIVAL_MS, remove, (answer) => {
    return answer.status !== 503;
  });
  tell.see("its second use", 200, first.answer.status);
  await stage.orders("POST", "/orders", { body: { id: "46", item: "rug" } });
  tell.see("its third", 200, (await remove()).status);
  tell.see("a fourth", refused("spent"), refusal(await remove()));
}

function closed(code: string) {
  return { status: 503, outcome: "deny", code };
}

function failure({ status, body }: Answer) {
  const { outcome, type } = members(body, "outcome", "type");
  return { status, outcome, code: String(type).replace("urn:countersign:problem:", "") };
}
