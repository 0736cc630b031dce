/**
 * Publishes a denial and returns its id only after all in-sync replicas have it. The same denial key (and question, if there is one) within five
 * minutes gives the same id, so a client that retries causes no new denial, and concurrent callers with the same key share one publication. A
 * denial over 64 KiB is not requestable. A subject that causes too many is told when to try again. If the acknowledgement does not come in time,
 * the result is `unavailable`, and the next call publishes the same id again.
 */
import type { IssuedDenial } from "../../../core/domain/decision.ts";
import { DENIAL_REUSE, type Denial, MAX_DENIAL_BYTES } from "../../../core/domain/denial.ts";
import type { Digest, Id } from "../../../core/domain/id.ts";
import type { Instant } from "../../../core/domain/time.ts";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { TokenBuckets } from "../../../platform/token-buckets.ts";
import type { Deadline, Denials, Evaluation, Published } from "../ports.ts";
import { denialKeyOf, mintDenial, offersFor, reuseKeyOf } from "./mint.ts";

const TOPIC = TOPICS.denials.name;
/** Beyond it the oldest are forgotten; a retry then makes a new denial, which is harmless. */
const MAX_REMEMBERED = 50_000;

type PublishDenialsDeps = {
  readonly stream: Pick<EventStream, "publish">;
  readonly signer: Signer;
  readonly buckets: TokenBuckets;
  readonly newDenialId: () => Id<"denial">;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  readonly log: Log;
  readonly metrics: Metrics;
};

type Remembered = {
  readonly reuseKey: Digest;
  readonly issued: IssuedDenial;
  readonly mintedAt: Instant;
  /** Kept until it is acknowledged: it contains the caller's path, and tens of thousands may be remembered. */
  unpublished: Denial | undefined;
  underWay: Promise<boolean> | undefined;
};

export function createDenials(
  { stream, signer, buckets, newDenialId, sourceAddress, log, metrics }: PublishDenialsDeps,
  { deployment }: { readonly deployment: string },
): Denials {
  const remembered = new Map<Digest, Remembered>();
  const outcomes = metrics.counter("denials_total", "requestable denials by outcome", ["outcome"]);

  function remember(entry: Remembered): void {
    remembered.delete(entry.reuseKey);
    remembered.set(entry.reuseKey, entry);
    for (const [reuseKey, { mintedAt }] of remembered) {
      if (remembered.size <= MAX_REMEMBERED && entry.mintedAt - mintedAt < DENIAL_REUSE) break;
      remembered.delete(reuseKey);
    }
  }

  async function send({ key, id }: Denial, payload: Uint8Array, deadline: Deadline): Promise<boolean> {
    const { value, headers } = sealEnvelope(signer, { deployment, topic: TOPIC, key }, 0, payload);
    const deadlineMs = Math.floor(deadline.leftMs());
    if (deadlineMs <= 0) return false;
    const outcome = await stream.publish([{ topic: TOPIC, key, value, headers }], { deadlineMs, unordered: true });
    if (outcome.kind === "acked") return true;
    log.warn(
      { event: "denial_not_published", denialId: id, err: outcome.cause },
      "a denial was not acknowledged by the stream; its caller is told to try again",
    );
    return false;
  }

  async function publish(entry: Remembered, deadline: Deadline): Promise<Published> {
    const denial = entry.unpublished;
    if (denial !== undefined) {
      const payload = Buffer.from(JSON.stringify(denialToWire(denial)), "utf8");
      if (payload.length > MAX_DENIAL_BYTES) {
        remembered.delete(entry.reuseKey);
        return { kind: "not_requestable" };
      }
      entry.underWay ??= send(denial, payload, deadline);
      const underWay = entry.underWay;
      try {
        if (await underWay) entry.unpublished = undefined;
      } finally {
        if (entry.underWay === underWay) entry.underWay = undefined;
      }
    }
    return entry.unpublished === undefined ? { kind: "issued", denial: entry.issued } : { kind: "unavailable" };
  }

  return {
    offers: offersFor,
    async publish(ask, now, deadline) {
      const reuseKey = reuseKeyOf(ask);
      const known = remembered.get(reuseKey);
      const age = known === undefined ? undefined : now - known.mintedAt;
      let entry = age !== undefined && age >= 0 && age < DENIAL_REUSE ? known : undefined;
      if (entry === undefined) {
        const token = buckets.take(`${ask.subject.issuer.length}:${ask.subject.issuer}${ask.subject.id}`, now);
        if (token.kind === "empty") {
          outcomes.inc({ outcome: "too_many" });
          return { kind: "too_many", retryAfterMs: token.retryAfterMs };
        }
        const key = denialKeyOf(ask);
        const denial = mintDenial(ask, { id: newDenialId(), key, now, sourceAddress: sourceAddress(ask.evaluation) });
        const issued = { id: denial.id, expiresAt: denial.expiresAt };
        entry = { reuseKey, issued, mintedAt: now, unpublished: denial, underWay: undefined };
        remember(entry);
      }
      const published = await publish(entry, deadline);
      outcomes.inc({ outcome: published.kind });
      return published;
    },
  };
}
