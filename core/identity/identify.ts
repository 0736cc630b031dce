/**
 * Who is calling: from the `authorization` values of a call to a caller. No credential is anonymous; one that is malformed or cannot be
 * verified is refused with its reason. Uses only keys that are already here and never waits for a network.
 */
import type { Caller } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { findBearerToken } from "./bearer.ts";
import type { Issuers } from "./issuers.ts";
import { createTokenCache, type TokenCache } from "./token-cache.ts";
import { createVerifyToken, type KeySetReader } from "./verify-token.ts";

export interface Identify {
  /** Synchronous when the token is known. Never rejects. */
  identify(credentials: { readonly authorization: readonly string[] }, now: Instant): Caller | Promise<Caller>;
  /** How much is remembered; for metrics. */
  cacheSize: TokenCache["size"];
}

export function createIdentify(
  deps: { readonly issuers: Issuers; readonly keySets: KeySetReader },
  options: Parameters<typeof createTokenCache>[1] = {},
): Identify {
  const cache = createTokenCache({ verify: createVerifyToken(deps), keySets: deps.keySets }, options);
  return {
    identify({ authorization }, now) {
      const credential = findBearerToken(authorization);
      if (credential.kind === "token") return cache.verify(credential.token, now);
      if (credential.kind === "malformed") return { kind: "refused", reason: "credential_malformed" };
      return { kind: "anonymous" };
    },
    cacheSize: () => cache.size(),
  };
}
