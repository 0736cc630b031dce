/**
 * A quarantined record as it may be shown to a person: its members and their types, and only those values whose form has no room for a secret
 * (ids, hashes, times, versions, words of a closed list). A quarantined record was not understood, so nothing says what its texts are: a token
 * may be where a name belongs. The database keeps the bytes.
 */
import type { Json } from "../domain/subject.ts";

/** Also a bound on depth: a masked text is shown for what lies deeper. */
const MAX_DEPTH = 12;
const MAX_ITEMS = 64;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const LOG = /^pdp\/[A-Za-z0-9._-]{1,64}\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STATE = /^(heartbeat(\/2)?|grant\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const REVISION = /^sha256:[0-9a-f]{1,64}$/;
const word = (...words: readonly string[]) => new RegExp(`^(${words.join("|")})$`);

/** Members whose value is shown when it is of this form. */
const SHOWN: ReadonlyMap<string, RegExp> = new Map([
  ["denial_id", UUID],
  ["decision_id", UUID],
  ["request_id", UUID],
  ["grant_id", UUID],
  ["denial_key", SHA256],
  ["digest", SHA256],
  ["prev", SHA256],
  ["minted_at", TIME],
  ["expires_at", TIME],
  ["time", TIME],
  ["log", LOG],
  ["policy_revision", REVISION],
  ["kind", word("log_opened", "log_closed", "decision")],
  ["tail", word("complete", "recovered")],
  ["outcome", word("allow", "deny", "needs_approval")],
  ["mode", word("enforce", "ask")],
  ["protocol", word("http", "tcp", "api")],
  ["method", word("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")],
  ["binding", word("scope", "exact")],
  ["risk", word("low", "medium", "high")],
  ["unbindable", word("body_not_bindable", "not_reviewable")],
]);

/** Members whose number is shown. */
const COUNTED = new Set(["v", "index", "body_bytes", "duration_us", "max_uses"]);

/** Members that our records have, whose values are not shown. */
const NAMED = new Set([
  ...["subject", "issuer", "id", "groups", "claims", "actors", "call", "authority", "path", "masked_query"],
  ...[
    "field_hashes",
    "source_address",
    "country",
    "client",
    "offers",
    "elevation",
    "justification",
    "traceparent",
    "records",
    "policy_asked",
    "host",
    "reason",
  ],
  ...["reasons", "entitlement", "entitlements", "scope", "title", "display", "label", "value", "approvers_hint"],
  ...["bind_headers", "max_duration", "required", "min_length", "grant_reason", "redeemed", "query"],
  ...["method", "content_type", "content_encoding", "body", "scheme"],
]);

type MaskedPayload =
  | { readonly kind: "json"; readonly members: Json }
  | { readonly kind: "not_json" }
  | { readonly kind: "none" };

export function maskedPayload(value: Uint8Array | null): MaskedPayload {
  if (value === null) return { kind: "none" };
  try {
    const parsed: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value));
    return { kind: "json", members: masked("", parsed, 0) };
  } catch {
    return { kind: "not_json" };
  }
}

/** The record key of one of our topics, or how long it is. */
export function maskedKey(key: string | null): string | null {
  return key === null || SHA256.test(key) || LOG.test(key) || STATE.test(key) ? key : hidden(key);
}

/** A key id, or how long it is: what looks like one is at most as long as ours may be, so no token is shown whole. */
export function maskedKeyId(kid: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(kid) ? kid : hidden(kid);
}

function masked(name: string, value: unknown, depth: number): Json {
  if (value === null) return null;
  if (typeof value === "string") return SHOWN.get(name)?.test(value) === true ? value : hidden(value);
  if (typeof value === "number") return COUNTED.has(name) ? value : "*** (number)";
  if (typeof value === "boolean") return "*** (boolean)";
  if (typeof value !== "object") return "***";
  if (depth >= MAX_DEPTH) return "*** (deeper)";
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item: unknown) => masked(name, item, depth + 1));
    return value.length > MAX_ITEMS ? [...items, `*** (${value.length - MAX_ITEMS} more)`] : items;
  }
  const shown: Record<string, Json> = Object.create(null);
  for (const [at, [member, inner]] of Object.entries(value).slice(0, MAX_ITEMS).entries()) {
    const known = SHOWN.has(member) || COUNTED.has(member) || NAMED.has(member);
    // NB: also a name is something that somebody wrote.
    shown[known ? member : `*** ${at} (${member.length} characters)`] = masked(member, inner, depth + 1);
  }
  return shown;
}

function hidden(text: string): string {
  return `*** (${text.length} characters)`;
}
