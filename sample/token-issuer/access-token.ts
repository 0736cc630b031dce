/** An access token for one account (JWT profile of RFC 9068), with the claims that tell groups and person. */
import { SignJWT } from "jose";
import type { Account } from "./accounts.ts";
import type { SigningKey } from "./signing-key.ts";

type TokenTerms = {
  /** The `iss`. */
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly lifetimeSeconds: number;
};

/** `at` is the time of issue in milliseconds since 1970. */
export function accessToken(
  key: SigningKey,
  { subject, email, groups, claims }: Account,
  { issuer, audience, lifetimeSeconds }: TokenTerms,
  { id, at }: { readonly id: string; readonly at: number },
): Promise<string> {
  const issuedAt = Math.floor(at / 1_000);
  const person = { email, email_verified: true, groups: [...groups], client_id: "sample" };
  return new SignJWT({ ...person, ...claims })
    .setProtectedHeader({ alg: "EdDSA", typ: "at+jwt", kid: key.kid })
    .setIssuer(issuer)
    .setAudience([...audience])
    .setSubject(subject)
    .setJti(id)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetimeSeconds)
    .sign(key.privateKey);
}
