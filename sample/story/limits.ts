/** Steps 7 to 10: a grant covers just what was approved, as often as approved, until it ends. */
import { setTimeout as sleep } from "node:timers/promises";
import { textAt } from "../../platform/programs/client.ts";
import { ARRIVAL_MS, deniedId, granted } from "./ask.ts";
import { eventually, listAt, members, refusal } from "./see.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";

const refused = (grant_reason: string) => ({ status: 403, outcome: "needs_approval", grant_reason });

export async function limits(stage: Stage, tell: Teller): Promise<void> {
  const dana = await stage.as("dana");
  const max = await stage.as("max");

  tell.step(7, "again: the one use is spent");
  tell.see("DELETE /orders/42", refused("spent"), refusal(await dana.proxy("DELETE", "/orders/42")));

  tell.step(8, "another order while a grant for 42 is live: outside");
  await granted(stage, await deniedId(stage, "DELETE", "/orders/42"));
  const other = () => dana.proxy("DELETE", "/orders/43");
  const outside = await eventually("the grant for 42 to be live", ARRIVAL_MS, other, (answer) => {
    return refusal(answer)["grant_reason"] === "outside";
  });
  tell.see("DELETE /orders/43", refused("outside"), refusal(outside.answer));
  tell.see("order 43 is still there", 200, (await stage.orders("GET", "/orders/43")).status);

  tell.step(9, "a refund is approved exactly as it was sent");
  const refund = (amount: number) => dana.proxy("POST", "/refunds", { body: { order: "7", amount } });
  const denied = await refund(40);
  tell.see("a refund of 40", 403, denied.status);
  await granted(stage, textAt(denied.body, "denial_id"));
  const changed = await eventually(
    "the grant to arrive",
    ARRIVAL_MS,
    () => refund(4000),
    (answer) => {
      return refusal(answer)["grant_reason"] === "outside";
    },
  );
  tell.see("the same call with 4000 in the body", refused("outside"), refusal(changed.answer));
  tell.see("with 40", 201, (await refund(40)).status);
  const paid = listAt({ items: (await stage.orders("GET", "/refunds")).body }, "items");
  tell.see(
    "refunds paid",
    [40],
    paid.map((one) => members(one, "amount")["amount"]),
  );

  tell.step(10, "one grant is left to expire, one is revoked by max");
  for (const [id, item] of Object.entries({ 44: "table", 45: "shelf" })) {
    await stage.orders("POST", "/orders", { body: { id, item } });
  }
  const shortly = await granted(stage, await deniedId(stage, "DELETE", "/orders/44"), { duration: "6s" });
  const lived = await eventually("the grant to arrive", 4_000, () => dana.proxy("DELETE", "/orders/44"), passes);
  tell.see("DELETE /orders/44 while its grant lives", 200, lived.answer.status);
  const { expires_at: expiresAt } = members((await dana.approvals("GET", `/v1/grants/${shortly}`)).body, "expires_at");
  await sleep(Math.max(0, Date.parse(String(expiresAt)) - Date.now()));
  const late = await dana.proxy("DELETE", "/orders/44");
  tell.see("and once it has expired", refused("expired"), refusal(late));

  const taken = await granted(stage, await deniedId(stage, "DELETE", "/orders/45"), { max_uses: 3 });
  const used = await eventually("the grant to arrive", ARRIVAL_MS, () => dana.proxy("DELETE", "/orders/45"), passes);
  tell.see("DELETE /orders/45 by the other grant", 200, used.answer.status);
  const revoked = await max.approvals("POST", `/v1/grants/${taken}/revoke`, {
    body: { reason: "not needed any more" },
  });
  tell.see(
    "max revokes it",
    { status: 200, state: "revoked" },
    { status: revoked.status, ...members(revoked.body, "state") },
  );
  const begin = performance.now();
  const after = await dana.proxy("DELETE", "/orders/45");
  tell.see("the next use", refused("revoked"), refusal(after));
  tell.note(`${Math.round(performance.now() - begin)} ms after the revocation was answered`);
}

function passes({ status }: { readonly status: number }): boolean {
  return status !== 403;
}
