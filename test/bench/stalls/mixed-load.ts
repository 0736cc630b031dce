/** Checks as a day brings them, in a fixed mixture: allowed, opened by a grant, denied, with new tokens and bad ones, with large bodies. */
import { generateKeyPairSync } from "node:crypto";
import { claims, token } from "../../integration/decision/lone-decision.ts";
import { checkOf, sampleCheck } from "../check/sample-check.ts";

const CALLS = 10_000;
const LARGE_BYTES = 32_768;
/** Nobody's: a bad token costs its verification, as one that is forged with care does. */
const forger = generateKeyPairSync("ed25519").privateKey;

/** Each with tokens of its own time: they hold for ten minutes. */
export function mixedChecks(): readonly Buffer[] {
  const known = token();
  const body = Buffer.from(JSON.stringify({ order: 7, amount: 40.5, note: "x".repeat(LARGE_BYTES) }));
  return Array.from({ length: CALLS }, (_, at) => {
    const jti = `${Date.now()}-${at}`;
    switch (at % 20) {
      case 0:
        return checkOf({ method: "POST", path: "/refunds", token: known, body }); // cannot be reviewed: denied
      case 5:
        return sampleCheck("GET", token({ payload: claims({ jti }), key: forger }));
      case 10:
        return checkOf({ method: "DELETE", path: `/orders/${at}`, token: known }); // needs approval: a denial is published
      case 1:
      case 11:
        return sampleCheck("GET", token({ payload: claims({ jti }) }));
      case 4:
      case 8:
      case 12:
      case 16:
        return sampleCheck("DELETE", known);
      default:
        return sampleCheck("GET", known);
    }
  });
}
