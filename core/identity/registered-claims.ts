/**
 * Why the registered claims refuse a token (RFC 7519 section 4.1; `typ` as in RFC 8725 section 3.11), and the one rule about them that is ours: that
 * a token is for nobody else. Written here because a library takes a
 * token's text and would parse all of it a second time, at every call if the enforcer verified the token, since those are not cached.
 * registered-claims.test.ts compares this with jose.
 */
import type { CredentialRefusal, Json } from "../domain/subject.ts";
import type { Issuer } from "./issuers.ts";
import type { JsonObject } from "./strict-json.ts";

type Rules = Pick<Issuer, "issuer" | "audience" | "otherAudiences" | "typ" | "maxTokenAgeMs" | "clockToleranceMs">;

/**
 * Undefined: they do not refuse it. `header`: of the token, where there is one that could say the issuer's `typ`. `now` in epoch milliseconds;
 * the claims are whole or broken seconds, and `now` counts as the second that has begun. Of several reasons it is the first one here.
 */
export function refusalByClaims(
  claims: JsonObject,
  rules: Rules,
  now: number,
  header?: { readonly typ: string | undefined },
): CredentialRefusal | undefined {
  const { iss, aud, iat, sub, exp, nbf } = claims;
  if (header !== undefined && rules.typ !== undefined && mediaType(header.typ) !== mediaType(rules.typ)) {
    return "credential_type_wrong";
  }
  if (iss !== rules.issuer) return "credential_claims_invalid";
  if (!isForUs(rules, aud)) return "credential_audience_wrong";
  if (sub === undefined || typeof iat !== "number" || typeof exp !== "number") return "credential_claims_invalid";
  if (nbf !== undefined && typeof nbf !== "number") return "credential_claims_invalid";
  const seconds = Math.floor(now / 1_000);
  const tolerance = rules.clockToleranceMs / 1_000;
  if (nbf !== undefined && nbf > seconds + tolerance) return "credential_not_yet_valid";
  if (exp <= seconds - tolerance) return "credential_expired";
  const age = seconds - iat;
  if (age - tolerance > rules.maxTokenAgeMs / 1_000) return "credential_expired";
  return age < -tolerance ? "credential_not_yet_valid" : undefined;
}

/** RFC 7515 section 4.1.9: compared without case, and `application/` is left out where nothing else has a slash. */
function mediaType(typ: string | undefined): string | undefined {
  const lower = typ?.toLowerCase();
  return lower === undefined || lower.includes("/") ? lower : `application/${lower}`;
}

function isForUs({ audience, otherAudiences }: Pick<Issuer, "audience" | "otherAudiences">, aud: Json | undefined) {
  const isOurs = (one: Json) => typeof one === "string" && audience.includes(one);
  if (!Array.isArray(aud)) return aud !== undefined && isOurs(aud);
  return aud.some(isOurs) && (otherAudiences || aud.every(isOurs));
}
