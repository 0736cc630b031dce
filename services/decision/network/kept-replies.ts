/**
 * Responses of `http.send` that may serve other decisions, if the policy says so: `force_cache` for a time of its own, `cache` for as long as the
 * response's headers allow (RFC 9111: `no-store`, `no-cache`, `max-age` from `Date`, `Expires`), for the status codes that OPA caches. The key is
 * the whole request, headers included, so that a response to one token is never given to another. The least recently used goes first.
 *
 * Unlike in OPA, a response that is no longer fresh is fetched again completely, without `If-None-Match`.
 */
import type { HttpAsk, HttpReply } from "../../../core/policy/asks.ts";

export type KeptReplies = {
  find(key: string, nowMs: number): HttpReply | undefined;
  /** If it may be. */
  keep(key: string, ask: HttpAsk, reply: HttpReply, nowMs: number): void;
};

type Kept = { readonly reply: HttpReply; readonly until: number; readonly bytes: number };

/** As OPA has them. */
const KEPT_STATUS = new Set([200, 203, 204, 206, 300, 301, 404, 405, 410, 414, 501]);
/** In memory, of a character and of all that stands around one answer. */
const PER_CHARACTER = 2;
const PER_REPLY = 512;

export function createKeptReplies({ maxBytes }: { readonly maxBytes: number }): KeptReplies {
  const kept = new Map<string, Kept>();
  let bytes = 0;

  function drop(key: string): void {
    bytes -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  }

  return {
    find(key, nowMs) {
      const found = kept.get(key);
      if (found === undefined) return undefined;
      kept.delete(key);
      kept.set(key, found);
      if (nowMs < found.until) return found.reply;
      drop(key);
      return undefined;
    },
    keep(key, { cache }, reply, nowMs) {
      if (cache === undefined || !KEPT_STATUS.has(reply.statusCode)) return;
      const until = cache.forSeconds === undefined ? freshUntil(reply) : nowMs + cache.forSeconds * 1_000;
      const size = PER_REPLY + PER_CHARACTER * (key.length + reply.body.length + JSON.stringify(reply.headers).length);
      if (until === undefined || until <= nowMs || size > maxBytes) return;
      drop(key);
      kept.set(key, { reply, until, bytes: size });
      bytes += size;
      for (const oldest of kept.keys()) {
        if (bytes <= maxBytes) break;
        drop(oldest);
      }
    },
  };
}

/** Milliseconds since the epoch; undefined: it says nothing, or forbids it. */
function freshUntil({ headers }: HttpReply): number | undefined {
  const lines = (name: string) => headers.flatMap(([one, values]) => (one === name ? values : []));
  const header = (name: string) => lines(name)[0];
  const directives = lines("cache-control").flatMap((line) => line.split(",").map((part) => part.trim().toLowerCase()));
  // Nothing is asked whether it is still so, which is what `no-cache` wants (also of single headers).
  if (directives.some((one) => one === "no-store" || /^no-cache\b/.test(one))) return undefined;
  const maxAge = directives.map((one) => /^max-age=(\d+)$/.exec(one)?.[1]).find((seconds) => seconds !== undefined);
  const at = Date.parse(header(maxAge === undefined ? "expires" : "date") ?? "");
  const until = at + (maxAge === undefined ? 0 : Number(maxAge) * 1_000);
  return Number.isNaN(until) ? undefined : until;
}
