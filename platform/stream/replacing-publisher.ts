/**
 * Publishes through a client that gets no second chance: one that has once not answered is dropped and replaced, because what it still holds
 * could otherwise be sent after the caller has gone on (order). Independent records are the exception: there a late answer is only late, and the
 * client is dropped if it fails or has been silent for `silentMs`. It connects at once and again after each drop, so that a publish with a short
 * deadline finds a connection.
 */
import { createBackoff } from "../backoff.ts";
import type { Log } from "../log/log.ts";
import type { EventStream, OutgoingRecord } from "./port.ts";
import { createStateLog } from "./state-log.ts";

/** One client for publishing, being connected or connected. */
export interface PublishingClient {
  /** Rejects when it cannot be had; the client is then replaced. */
  readonly connected: Promise<void>;
  /** Resolves when every record is on all in-sync replicas; any rejection means that it is not known. `timeoutMs` is what the broker may take. */
  send(records: readonly OutgoingRecord[], timeoutMs: number): Promise<void>;
  /** Breaks its connections: nothing more is sent, whatever waits rejects. Idempotent. */
  drop(reason: Error): void;
}

export function createReplacingPublisher({
  open,
  log,
  silentMs = 3_000,
}: {
  readonly open: () => PublishingClient;
  readonly log: Log;
  /** A client that leaves a publish without an answer for so long is taken for dead. */
  readonly silentMs?: number;
}): Pick<EventStream, "publish" | "close"> {
  const stop = new AbortController();
  const backoff = createBackoff({ firstMs: 50, maxMs: 2_000 });
  const state = createStateLog(log, "publishing");
  let current = openClient();
  let reconnecting: Promise<void> | undefined;

  function openClient(): PublishingClient {
    const client = open();
    client.connected.then(
      () => {
        backoff.reset();
        state.worked();
      },
      (error: unknown) => replace(client, error),
    );
    return client;
  }

  /** Drops this client and, if it is still the current one, puts a new one in its place after a pause that grows while nothing connects. */
  function replace(client: PublishingClient, cause: unknown): void {
    client.drop(new Error("kafka producer dropped", { cause }));
    if (client !== current || stop.signal.aborted || reconnecting !== undefined) return;
    state.failed(cause);
    reconnecting = backoff
      .wait(stop.signal)
      .then(() => {
        reconnecting = undefined;
        current = openClient();
      })
      .catch(() => {});
  }

  function replaceWhenSilent(client: PublishingClient, sent: Promise<void>): void {
    const timer = setTimeout(() => replace(client, new Error(`no answer from kafka in ${silentMs} ms`)), silentMs);
    sent.catch((error: unknown) => replace(client, error)).finally(() => clearTimeout(timer));
  }

  return {
    async publish(records, { deadlineMs, unordered = false }) {
      if (records.length === 0) return { kind: "acked" };
      if (stop.signal.aborted) return { kind: "unknown", cause: new Error("stream is closed") };
      const begun = performance.now();
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(() => timeout.reject(new Error(`no answer from kafka in ${deadlineMs} ms`)), deadlineMs);
      let client: PublishingClient | undefined;
      try {
        if (reconnecting !== undefined) await Promise.race([reconnecting, timeout.promise]);
        client = current;
        await Promise.race([client.connected, timeout.promise]);
        const timeLeft = Math.max(1, Math.round(deadlineMs - (performance.now() - begun)));
        const patienceMs = unordered ? silentMs : timeLeft;
        const sent = client.send(records, patienceMs);
        if (unordered) replaceWhenSilent(client, sent);
        await Promise.race([sent, timeout.promise]);
        return { kind: "acked" };
      } catch (cause) {
        if (client !== undefined && !unordered) replace(client, cause);
        return { kind: "unknown", cause };
      } finally {
        clearTimeout(timer);
      }
    },
    async close() {
      stop.abort();
      await reconnecting;
      current.drop(new Error("stream is closed"));
      await current.connected.catch(() => {});
    },
  };
}
