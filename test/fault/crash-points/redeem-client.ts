/** Stands in for the redemption client: crash points before a use is asked for and after its answer, which is before the caller's. */
import * as real from "../../../services/decision/redemption/redeem-client.ts";
import type { RedeemClient } from "../../../services/decision/redemption/redeem-client.ts";
import { reach } from "./reach.ts";

export * from "../../../services/decision/redemption/redeem-client.ts";

export function createRedeemClient(...args: Parameters<typeof real.createRedeemClient>): RedeemClient {
  const client = real.createRedeemClient(...args);
  return {
    replaceCertificates: client.replaceCertificates,
    async redeem(claim, deadline) {
      reach("redeem before call");
      const outcome = await client.redeem(claim, deadline);
      if (outcome.kind === "granted") reach("redeem after reply");
      return outcome;
    },
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}
