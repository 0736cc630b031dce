/**
 * Finds a reader that stands still although there is something to read: clients and servers have been seen to stop answering without an error. It
 * compares positions with the end offsets, fetched over a connection of its own. A reader without progress for too long gets a new connection; if
 * that does not help either, the stream is reported as beyond repair and the process should end.
 *
 * An unreachable server is not a standstill, and neither is a handler that works or keeps failing: both are reported otherwise.
 */
import type { Log } from "../log/log.ts";
import type { PartitionReader } from "./partition-reader.ts";

interface WatchdogOptions {
  /** Time without progress until a reader is recreated; the same again until it is fatal. */
  readonly stallMs: number;
}

interface Watchdog {
  /** Looks once. Call it several times per `stallMs`. Never rejects. */
  check(topic: string, readers: ReadonlyMap<number, PartitionReader>): Promise<void>;
}

interface Seen {
  position: bigint | undefined;
  sinceMs: number;
  recreated: boolean;
}

export function createWatchdog(
  deps: {
    readonly endOffsets: (topic: string) => Promise<ReadonlyMap<number, bigint>>;
    readonly monotonicMs: () => number;
    readonly log: Log;
    readonly onRecreated: (topic: string) => void;
    readonly onFatal: (error: Error) => void;
  },
  { stallMs }: WatchdogOptions,
): Watchdog {
  const { endOffsets, monotonicMs, log, onRecreated, onFatal } = deps;
  const seenByReader = new Map<PartitionReader, Seen>();

  return {
    async check(topic, readers) {
      const ends = await endOffsets(topic).catch(() => undefined);
      for (const [partition, reader] of readers) {
        const { position, handling } = reader;
        const seen = seenByReader.get(reader);
        const end = ends?.get(partition);
        const still =
          position !== undefined && !handling && end !== undefined && position < end && seen?.position === position;
        if (!still || seen === undefined) {
          // Without an answer about the end nothing is known: the time starts anew; what was tried is kept where it has not helped.
          const recreated = end === undefined && seen !== undefined && seen.position === position && seen.recreated;
          seenByReader.set(reader, { position, sinceMs: monotonicMs(), recreated });
          continue;
        }
        if (monotonicMs() - seen.sinceMs < stallMs) continue;
        const standstill = new Error(`${topic}/${partition} stands at ${position} of ${end} for ${stallMs} ms`);
        if (seen.recreated) {
          onFatal(standstill);
        } else {
          log.error({ event: "stream_stands_still", err: standstill }, "no progress; making a new connection");
          onRecreated(topic);
          reader.recreate(standstill);
        }
        seenByReader.set(reader, { position, sinceMs: monotonicMs(), recreated: true });
      }
    },
  };
}
