/** Steps 7 to 9: a grant covers just what was approved, as often as approved. */
import { textAt } from "../../platform/programs/client.ts";
import { ARRIVAL_MS, answerOf, deniedId, granted, refused } from "./ask.ts";
import { eventually, listAt, members, refusal } from "./see.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";

export async function limits(stage: Stage, tell: Teller): Promise<void> {
  const dana = await stage.as("dana");

  tell.step(7, "again: the one use is spent");
  tell.see("DELETE /orders/42", refused("spent"), refusal(await answerOf(() => dana.proxy("DELETE", "/orders/42"))));

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
  const denied = await answerOf(() => refund(40));
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
  tell.see("with 40", 201, (await answerOf(() => refund(40))).status);
  const paid = listAt({ items: (await stage.orders("GET", "/refunds")).body }, "items");
  tell.see(
    "refunds paid",
    [40],
    paid.map((one) => members(one, "amount")["amount"]),
  );
}
