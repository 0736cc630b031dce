/**
 * Which of the things that a call brought along are its credentials, by configuration: the header that holds the token, and where the
 * enforcer leaves the claims that it verified. Everything else, however it is called, is not looked at.
 */
import type { ShownCredentials } from "../../../core/identity/identify.ts";
import type { TokenSource } from "../../../core/identity/token-source.ts";
import type { Credentials } from "../ports.ts";

export function createShownCredentials({
  header,
  metadata,
}: TokenSource): (credentials: Credentials) => ShownCredentials {
  return ({ authorization, headers, metadata: stated, principal, certificate }) => ({
    authorization: header === "authorization" ? authorization : (headers?.get(header) ?? []).map(withScheme),
    verifiedClaims: metadata && memberOf(stated?.get(metadata.namespace), metadata.key),
    principal,
    certificate,
  });
}

/** NB: an empty value stays malformed, and what is joined stays two. */
function withScheme(value: string): string {
  return /^bearer /i.test(value) ? value : `Bearer ${value}`;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
