/** What is delivered of a notification: docs/webhooks.md has one of each kind. */
import type { Due } from "./due-rows.ts";

/** NB: the body goes as it was stored, to the letter, so that it is the same bytes at each try. */
export function messageOf({ kind, createdAt, body }: Pick<Due, "kind" | "createdAt" | "body">): string {
  return `{"type":"countersign.${kind}.v1","timestamp":"${createdAt.toISOString()}","data":${body}}`;
}
