/**
 * What the approval service writes and publishes outside of the transactions that it names itself (services/approval/ports.ts), by name: for
 * the stand-ins, which kill before and after each. A statement that writes, or a publish, and is not here does not happen while they stand
 * in (reach.ts), and fails effects.test.ts before that.
 */
const has =
  (...parts: readonly string[]) =>
  (text: string) =>
    parts.every((part) => text.includes(part));

/** Statements that are a transaction of their own. The first that fits names it: those with more of their own come first. */
export const STATEMENTS = [
  ["redemption", has("insert into redemptions")],
  ["grants mark", has("update grants set published_version = sent.version")],
  ["incidents mark", has("update incidents set published_version = sent.version")],
  ["grants repair mark", has("update grants set published_version = 0")],
  ["incidents repair mark", has("update incidents set published_version = 0")],
  ["grants tombstone mark", has("update grants set tombstoned_at")],
  ["incidents tombstone mark", has("update incidents set tombstoned_at")],
  ["profiles mark", has("update profiles set published_changes")],
  ["profiles removal", has("delete from profiles")],
  ["audit mark", has("insert into relay_cursors")],
  ["decisions mark", has("delete from republish")],
  ["webhook mark", has("set delivered_at = clock_timestamp()")],
  ["webhook retry", has("update notifications", "last_error = $2")],
  ["key hold", has("insert into idempotency_keys")],
  ["key answer", has("update idempotency_keys set answer")],
  ["key release", has("delete from idempotency_keys", "holder = $3")],
  ["first offset", has("insert into offsets")],
  ["lost offset", has("update offsets")],
] as const satisfies readonly (readonly [name: string, is: (text: string) => boolean])[];

export type StatementName = (typeof STATEMENTS)[number][0];

export function statementName(text: string): StatementName | undefined {
  return STATEMENTS.find(([, is]) => is(text))?.[0];
}

const WRITES =
  /\binsert\s+into\b|\bdelete\s+from\b|\bmerge\s+into\b|\btruncate\b|\bupdate\s+[\w.]+\s+(?:as\s+\w+\s+)?set\b/i;

export function isWriting(text: string): boolean {
  return WRITES.test(text);
}

export type PublishName = "audit" | "audit decisions" | StateName;
/** A file that is replaced whole, for the next start. */
export type KeptName = "kept bundle" | "kept keys";

type StateName = "grants" | "incidents" | "profiles" | "tombstones" | "heartbeat";

const STATE = new Map<string, { readonly value: StateName; readonly none: StateName }>([
  ["heartbeat", { value: "heartbeat", none: "heartbeat" }],
  ["grant", { value: "grants", none: "tombstones" }],
  ["incident", { value: "incidents", none: "tombstones" }],
  ["profile", { value: "profiles", none: "profiles" }],
]);

/** Where a state record belongs, by its key; undefined for one that nobody has named. */
export function statePublish(key: string, value: unknown): StateName | undefined {
  const [kind = ""] = key.split("/");
  return STATE.get(kind)?.[value === null ? "none" : "value"];
}
