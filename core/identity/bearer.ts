/**
 * The credential of a call: exactly one `authorization` header with one bearer token (RFC 6750 section 2.1, RFC 9110 section 11.4). No header
 * means anonymous. Anything else is malformed and refused: treating a half-understood credential as none would let a caller choose to be
 * anonymous (authentik CVE-2026-25748).
 */
export type Credential =
  | { readonly kind: "anonymous" }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "malformed" };

/** `authorization`: all values of that header, each as received; joined duplicates hold a comma and are malformed. */
export function findBearerToken(authorization: readonly string[]): Credential {
  const [value] = authorization;
  if (value === undefined) return { kind: "anonymous" };
  if (authorization.length > 1) return { kind: "malformed" };
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1];
  return token === undefined ? { kind: "malformed" } : { kind: "token", token };
}
