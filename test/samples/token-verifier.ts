/** A verifier of the sample issuer's tokens, for tests: its verdict in a word, and which key refreshes it requested. */
import { instant } from "../../core/domain/time.ts";
import type { IssuerConfig } from "../../core/identity/issuers.ts";
import { createVerifyToken, type KeySetReader } from "../../core/identity/verify-token.ts";
import * as sample from "./tokens.ts";

const allKeys = sample.keySetOf(sample.jwksOf(sample.keys));

export function verifier(config: Partial<IssuerConfig> = {}, keySet: typeof allKeys | undefined = allKeys) {
  const requested: string[] = [];
  const keySets: KeySetReader = { current: () => keySet, requestRefresh: (issuer) => requested.push(issuer) };
  const verify = createVerifyToken({ issuers: sample.issuersOf(config), keySets });
  const outcome = (text: string, now: number = sample.NOW) => {
    const { caller } = verify(text, instant(now));
    return caller.kind === "refused" ? caller.reason : caller.kind;
  };
  return { verify, outcome, requested };
}
