/** What a caller is told whose credential is refused, the same at every edge. */
import type { CredentialRefusal } from "../domain/subject.ts";

type Refused = { readonly status: 401; readonly title: string; readonly detail: string };

export function refusedCredential(detail: string): Refused {
  return { status: 401, title: "The credential is refused", detail };
}

/** Each edge says for itself whether it can check a client certificate, and what a fault (`keys_unavailable`) is there. */
export const CREDENTIAL_REFUSALS: Readonly<
  Record<Exclude<CredentialRefusal, "credential_certificate_wrong" | "keys_unavailable">, Refused>
> = {
  credential_malformed: refusedCredential("Send exactly one authorization header with one bearer token."),
  credential_issuer_unknown: refusedCredential("The issuer of the token is not accepted here."),
  credential_key_unknown: refusedCredential("The key that signed the token is not known; get a new token."),
  credential_algorithm_refused: refusedCredential("The token is signed in a way that is not accepted."),
  credential_signature_invalid: refusedCredential("The signature of the token is not valid."),
  credential_audience_wrong: refusedCredential(
    "The token is for another audience, or for others too; get one for this service alone.",
  ),
  credential_expired: refusedCredential("The token has expired; get a new one."),
  credential_not_yet_valid: refusedCredential("The token is not valid yet; check the clocks."),
  credential_claims_invalid: refusedCredential("The claims of the token cannot be used."),
  credential_type_wrong: refusedCredential("The token is of the wrong type."),
};
