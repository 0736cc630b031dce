/**
 * One use of a grant, for the redemption edge. Thin on purpose: uses are statements, see store/redeem-together.ts. It wakes the loops that
 * publish the use outside the statement: a NOTIFY in each would make all uses commit one after the other.
 */
import type { Bell, Redemption } from "../ports.ts";

export function createRedeem({
  store,
  bell,
}: {
  readonly store: Redemption;
  readonly bell: Bell;
}): Redemption["redeem"] {
  return async (claim, isGone) => {
    const outcome = await store.redeem(claim, isGone);
    if (outcome.kind === "redeemed") bell.ring();
    return outcome;
  };
}
