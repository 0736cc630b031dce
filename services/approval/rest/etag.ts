/**
 * Entity tags (RFC 9110, section 8.8.3): strong, and computed from what is shown, so that every visible change changes the tag. `If-Match` is
 * compared under the row lock of the write that it guards.
 */
import { createHash } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { AppError } from "../../../core/domain/app-error.ts";

export function etagOf(shown: object): string {
  return `"${createHash("sha256").update(JSON.stringify(shown)).digest("base64url").slice(0, 27)}"`;
}

/** `W/"…"` is a list member too, and never matches (section 13.1.1). */
const LIST = /^\s*(W\/)?"[\x21\x23-\x7e]*"(\s*,\s*(W\/)?"[\x21\x23-\x7e]*")*\s*$/;

/** Whether the current state is what the caller has seen; undefined without `If-Match`. @throws AppError invalid_argument */
export function ifMatch({ headers }: FastifyRequest): ((shown: object) => boolean) | undefined {
  const value = headers["if-match"];
  if (value === undefined) return undefined;
  if (value.trim() === "*") return () => true;
  if (!LIST.test(value)) {
    throw new AppError("invalid_argument", '/headers/if-match is neither * nor a list of entity tags such as "a", "b"');
  }
  const tags = new Set(value.split(",").map((tag) => tag.trim()));
  return (shown) => tags.has(etagOf(shown));
}
