/**
 * What the approval service writes, by name. One table for the stand-ins, which kill before and after each, and for the list of points: a
 * transaction or statement that writes and is not here is refused (reach.ts), so that a new one cannot be without a point.
 */
export type Effect = {
  readonly name: string;
  /** Of a transaction, all its statements; of a statement outside of one, itself. */
  readonly is: (text: string) => boolean;
  /** Why nobody is killed there. */
  readonly unreached?: string;
};

const has =
  (...parts: readonly string[]) =>
  (text: string) =>
    parts.every((part) => text.includes(part));

/** The first that fits names it: those with more of their own come first. */
export const TRANSACTIONS: readonly Effect[] = [
  { name: "replay", is: has("update quarantine set replayed_at") },
  { name: "replay refused", is: has("update quarantine", "set tries = tries + 1") },
  { name: "dismiss", is: has("update quarantine set dismissed_at") },
  { name: "quarantine", is: has("insert into quarantine") },
  { name: "denial", is: has("insert into denials") },
  { name: "decisions", is: has("insert into republish") },
  { name: "submit", is: has("insert into requests") },
  { name: "review", is: has("insert into reviews") },
  { name: "seal", is: has("insert into audit_log") },
  { name: "sweep requests", is: has("and expires_at <= statement_timestamp()", "update requests set status") },
  { name: "sweep escalations", is: has("and escalate_at <= statement_timestamp()", "update requests set status") },
  { name: "sweep grants", is: has("skip locked", "update grants set state") },
  { name: "sweep denials", is: has("delete from denials") },
  { name: "sweep keys", is: has("delete from idempotency_keys", "skip locked") },
  { name: "sweep quarantine", is: has("delete from quarantine") },
  { name: "sweep notifications", is: has("delete from notifications") },
  { name: "sweep profiles", is: has("forgotten_countries", "update profiles set changes") },
  { name: "overtake grants", is: has("update grants set version = on_topic + 1") },
  { name: "overtake incidents", is: has("update incidents set version = seen.version + 1") },
  { name: "revoke", is: has("update grants set state") },
  { name: "cancel", is: has("update requests set status") },
  { name: "open incident", is: has("insert into incidents") },
  { name: "close incident", is: has("update incidents set state") },
  { name: "offset", is: has("update offsets") },
  // Nothing but its event.
  { name: "review refused", is: has("from requests where id = $1 for update", "insert into outbox") },
];

/** Statements that are a transaction of their own. */
export const STATEMENTS: readonly Effect[] = [
  { name: "redemption", is: has("insert into redemptions") },
  { name: "grants mark", is: has("update grants set published_version = sent.version") },
  { name: "incidents mark", is: has("update incidents set published_version = sent.version") },
  { name: "profiles mark", is: has("update profiles set published_changes") },
  { name: "profiles removal", is: has("delete from profiles") },
  { name: "grants repair mark", is: has("update grants set published_version = 0") },
  {
    name: "incidents repair mark",
    is: has("update incidents set published_version = 0"),
    unreached: "the same statement as for grants, of another table",
  },
  { name: "grants tombstone mark", is: has("update grants set tombstoned_at") },
  { name: "incidents tombstone mark", is: has("update incidents set tombstoned_at") },
  { name: "audit mark", is: has("insert into relay_cursors") },
  { name: "decisions mark", is: has("delete from republish") },
  { name: "webhook mark", is: has("set delivered_at = clock_timestamp()") },
  {
    name: "webhook retry",
    is: has("update notifications", "last_error = $2"),
    unreached: "the receiver takes all; a try that is forgotten is made again a little sooner",
  },
  { name: "key hold", is: has("insert into idempotency_keys") },
  { name: "key answer", is: has("update idempotency_keys set answer") },
  { name: "key release", is: has("delete from idempotency_keys", "holder = $3") },
  {
    name: "first offset",
    is: has("insert into offsets"),
    unreached: "made once, before anything of a partition is read, while a service starts",
  },
];

const WRITES =
  /\binsert\s+into\b|\bdelete\s+from\b|\bmerge\s+into\b|\btruncate\b|\bupdate\s+[\w.]+\s+(?:as\s+\w+\s+)?set\b/i;

export function isWriting(text: string): boolean {
  return WRITES.test(text);
}

export function effectOf(text: string, among: readonly Effect[]): Effect | undefined {
  return among.find(({ is }) => is(text));
}

/** Where a state record belongs, by its key; undefined for one that nobody has named. */
export function statePublish(key: string, value: unknown): string | undefined {
  const [kind = ""] = key.split("/");
  if (kind === "heartbeat") return "heartbeat";
  const names = new Map([
    ["grant", value === null ? "tombstones" : "grants"],
    ["incident", value === null ? "tombstones" : "incidents"],
    ["profile", "profiles"],
  ]);
  return names.get(kind);
}
