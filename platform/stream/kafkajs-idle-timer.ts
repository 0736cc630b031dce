/**
 * kafkajs 2.2.4 re-arms a timer of negative length for ever on every connection (its #1751): 6–7 % of a core when idle, and a
 * TimeoutNegativeWarning on Node 24. The timer is for requests that wait; this version sets it only when one does.
 */
import RequestQueue from "kafkajs/src/network/requestQueue/index.js";

/** As kafkajs has it for a queue that is not throttled. */
const CHECK_MS = 10;

/** Replaces the method. Idempotent, and to be called before the first connection. */
export function stopIdleTimer(): void {
  RequestQueue.prototype.scheduleCheckPendingRequests = scheduleWhenPending;
}

function scheduleWhenPending(this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : CHECK_MS,
  );
}
