/**
 * Claims of a token that the enforcer has verified and removed from the request, such as the payload of Envoy's jwt_authn filter. For the
 * signature we trust the enforcer; issuer, audience, times and everything else are checked here as for any token, so that two enforcers with
 * different settings do not make two kinds of accounts.
 *
 * NB: they are used only if configuration says so. Whoever may call this service can write them.
 */
import type { Caller } from "../domain/subject.ts";
import type { Instant } from "../domain/time.ts";
import { acceptClaims } from "./accept-claims.ts";
import { MAX_TOKEN_BYTES } from "./compact-jwt.ts";
import type { Issuers } from "./issuers.ts";
import { refusalByClaims } from "./registered-claims.ts";
import { parseStrictObject } from "./strict-json.ts";

/** Never throws. `claims` is what the enforcer states, of any shape. */
export function callerFromVerifiedClaims(claims: unknown, issuers: Issuers, now: Instant): Caller {
  const bytes = bytesOf(claims);
  const strict = bytes === undefined ? undefined : parseStrictObject(bytes);
  if (strict === undefined) return { kind: "refused", reason: "credential_malformed" };
  const issuer = typeof strict["iss"] === "string" ? issuers.get(strict["iss"]) : undefined;
  if (issuer === undefined) return { kind: "refused", reason: "credential_issuer_unknown" };
  const reason = refusalByClaims(strict, issuer, now);
  if (reason !== undefined) return { kind: "refused", reason, issuer: issuer.issuer };
  const accepted = acceptClaims(strict, issuer);
  return accepted.kind === "refused" ? { ...accepted, issuer: issuer.issuer } : accepted;
}

function bytesOf(claims: unknown): Buffer | undefined {
  try {
    const bytes = Buffer.from(JSON.stringify(claims) ?? "", "utf8");
    return bytes.length <= MAX_TOKEN_BYTES ? bytes : undefined;
  } catch {
    return undefined;
  }
}
