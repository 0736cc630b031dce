/**
 * Delivers what waits in `notifications` to the configured webhook, at least once and in no fixed order: the receiver drops repetitions by
 * `webhook-id`. A failed delivery is tried again after a pause that doubles up to two minutes. Nothing is called inside a transaction. One
 * process at a time, by advisory lock.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Leadership, Lease } from "../../../platform/postgres/leadership.ts";
import type { Wakeup } from "../../../platform/postgres/wakeup.ts";
import type { Deliver, Delivery } from "./deliver.ts";
import type { Due, DueRows } from "./due-rows.ts";
import { messageOf } from "./message.ts";

/** Concurrent deliveries; when one ends the next begins, so a slow answer delays nobody and the target is not flooded. */
const AT_ONCE = 8;
/** Reviewers hear of what waits this soon after the target is back, however long it was away. `AT_ONCE` bounds what that costs. */
const MAX_RETRY_SECONDS = 120;

interface Webhook {
  /** Delivers whenever it leads, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createWebhook(
  {
    rows,
    leadership,
    wakeup,
    deliver,
    log,
    metrics,
  }: {
    readonly rows: DueRows;
    readonly leadership: Leadership;
    readonly wakeup: Wakeup;
    readonly deliver: Deliver;
    readonly log: Log;
    readonly metrics: Metrics;
  },
  {
    firstRetrySeconds = 5,
    maxRetrySeconds = MAX_RETRY_SECONDS,
  }: { readonly firstRetrySeconds?: number; readonly maxRetrySeconds?: number } = {},
): Webhook {
  const pause = { firstSeconds: firstRetrySeconds, mostSeconds: maxRetrySeconds };
  const triesTotal = metrics.counter("webhook_tries_total", "Attempted webhook deliveries", ["outcome"]);

  function tried(due: Due, delivery: Delivery): void {
    triesTotal.inc({ outcome: delivery.kind });
    if (delivery.kind === "delivered") return;
    const { reason } = delivery;
    log.warn(
      { event: "webhook_not_delivered", notification: due.id, reason },
      "webhook not delivered; it is tried again later",
    );
  }

  async function deliverOne(lease: Lease, due: Due): Promise<void> {
    const delivery = await deliver(
      { id: due.id, body: messageOf(due), traceparent: due.traceparent },
      due.now,
      lease.signal,
    );
    if (delivery.kind === "failed" && lease.signal.aborted) return; // aborted by us, not by the target
    tried(due, delivery);
    if (delivery.kind === "delivered") return rows.markDelivered(lease, due.id);
    await rows.tryAgain(lease, due.id, delivery.reason, pause);
  }

  async function term(lease: Lease): Promise<void> {
    const underWay = new Map<string, Promise<void>>();
    /** NB: no promise of them, which would keep something of every turn that waits for it, for as long as this process leads. */
    const faults: unknown[] = [];
    let woken: Promise<void> | undefined;
    try {
      while (!lease.signal.aborted && faults.length === 0) {
        const room = AT_ONCE - underWay.size;
        const due = room === 0 ? [] : await rows.due(lease, [...underWay.keys()], room);
        if (faults.length > 0) break; // during the query
        for (const one of due) {
          const ended = deliverOne(lease, one)
            .catch((error: unknown) => {
              faults.push(error);
            })
            .finally(() => underWay.delete(one.id));
          underWay.set(one.id, ended);
        }
        woken ??= wakeup.next(lease.signal).finally(() => {
          woken = undefined;
        });
        // With no room only an end makes some; with room left over there is nothing due until somebody rings.
        await Promise.race([...underWay.values(), ...(due.length < room ? [woken] : [])]);
      }
    } finally {
      await Promise.all(underWay.values());
    }
    if (faults.length > 0) throw faults[0];
  }

  return { run: (signal) => leadership.run(term, signal) };
}
