/** One use of a grant, for the redemption edge. Thin on purpose: all of it is one statement, see store/redeem-grant.ts. */
import type { Redeemed, RedemptionClaim, RedemptionRefused } from "../../../core/domain/grant.ts";
import type { Redemption } from "../ports.ts";

export function createRedeem({ store }: { readonly store: Redemption }) {
  return (claim: RedemptionClaim): Promise<Redeemed | RedemptionRefused> => store.redeem(claim);
}
