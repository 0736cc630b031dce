/**
 * Selects a call's credentials by configuration: the header that contains the token, and the metadata in which the enforcer leaves claims that it
 * verified. Everything else is ignored, whatever its name.
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
