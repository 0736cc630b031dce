/** What tests look at in a reply of AuthZEN. */
import type { Reply } from "./authzen-fixture.ts";

/** The member at a dotted path of the body. */
export function at({ body }: Reply, path: string): unknown {
  let value: unknown = body;
  for (const name of path.split(".")) value = Reflect.get(Object(value), name);
  return value;
}

export function textAt(reply: Reply, path: string): string {
  const value = at(reply, path);
  if (typeof value !== "string") throw new Error(`no text at ${path}: ${JSON.stringify(reply.body)}`);
  return value;
}

/** Of the binding token that a requestable denial brings. */
export function claimsOf(reply: Reply): { readonly [name: string]: unknown } {
  const [, payload = ""] = textAt(reply, "context.access_request.binding_token").split(".");
  return Object(JSON.parse(Buffer.from(payload, "base64url").toString()));
}
