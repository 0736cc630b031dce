/**
 * Ships one boot's spooled records to the decisions topic: consecutive records in signed batches, those that wait together, the next only after
 * the last were acknowledged. The spool's bytes become the batch unchanged; nothing is parsed or written again. A small batch travels
 * uncompressed; a large one is compressed, many records in the 64 KiB of a topic record, because a signature, a message and a row there cost the
 * same for four times as many. Acknowledged records are marked, several batches at once since a mark is several system calls, and removed; what
 * was not acknowledged, or not marked when the process dies, is sent again. A failed mark or removal is logged and tried again with the next one;
 * it undoes nothing that was acknowledged.
 *
 * After batches that were not acknowledged, each is sent alone until the spool is empty: a topic may accept less at once than all of them
 * (`max.message.bytes`), and one that took some of them gets few a second time.
 */
import { setImmediate as turn } from "node:timers/promises";
import { type EnvelopeForm, MAX_UNPACKED_BYTES, sealEnvelope } from "../../../core/messages/envelope.ts";
import type { Signer } from "../../../core/messages/signing.ts";
import { MAX_RECORD_BYTES, TOPICS } from "../../../core/messages/topics.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import { acknowledge, acknowledged, type Place, readAfter, removeShipped } from "./spool-files.ts";

const TOPIC = TOPICS.decisions.name;
const PUBLISH_DEADLINE_MS = 5_000;
/** Acknowledging them costs the stream about as much as one. NB: half of what a Kafka broker accepts at once by default. */
const MAX_TOGETHER = 8;
/** Below it, compression costs more than it saves. */
const PACK_FROM_BYTES = 8 * 1024;
/** Batches between two marks, unless the spool is empty before. */
const MARK_EVERY = 32;
const CLOSING = Buffer.from("]}");
const [NEWLINE, COMMA] = [0x0a, 0x2c];

type ShipDeps = {
  readonly stream: Pick<EventStream, "publish">;
  readonly signer: Signer;
  readonly log: Log;
};

type ShipOptions = {
  readonly folder: string;
  readonly deployment: string;
  readonly log: string;
  readonly boot: string;
};

type Shipped =
  /** `isFull`: more is waiting already. */
  | { readonly kind: "shipped"; readonly bytes: number; readonly records: number; readonly isFull: boolean }
  | { readonly kind: "nothing" }
  | { readonly kind: "not_acknowledged"; readonly cause: unknown };

/** A signed batch, and what of the spool is in it. */
type Batch = {
  readonly record: OutgoingRecord;
  readonly records: number;
  readonly bytes: number;
  readonly end: Place;
  readonly isFull: boolean;
};

export type Shipper = {
  /** Ships what waits, up to `MAX_TOGETHER` batches, or one after a failure; one call at a time. Rejects only when the spool itself cannot be read. */
  next(): Promise<Shipped>;
};

export function createShipper({ stream, signer, log }: ShipDeps, options: ShipOptions): Shipper {
  const { folder, deployment, log: key, boot } = options;
  const opening = Buffer.from(`{"v":1,"log":${JSON.stringify(key)},"records":[`);
  /** Used again: an envelope is a copy. */
  const batch = Buffer.alloc(MAX_UNPACKED_BYTES);
  opening.copy(batch);
  const roomFor = (bytes: number) => batch.subarray(opening.length, bytes - CLOSING.length);
  const room = roomFor(MAX_UNPACKED_BYTES);
  const roomAsItIs = roomFor(MAX_RECORD_BYTES);
  let from: Place | undefined;
  let together = MAX_TOGETHER;
  let unmarked = 0;
  let isUntidy = false;

  function mark(place: Place): void {
    if (unmarked === 0) return;
    acknowledge(folder, boot, place);
    unmarked = 0;
  }

  /** Never rejects; reports a failure once, until everything succeeds again. */
  async function tidied(...steps: readonly (() => void | Promise<void>)[]): Promise<void> {
    const outcomes = await Promise.allSettled(steps.map(async (step) => step()));
    const failure = outcomes.find((one) => one.status === "rejected");
    if (failure !== undefined && !isUntidy)
      log.warn(
        { event: "decision_log_not_tidied", boot, err: failure.reason },
        "shipped decisions cannot be marked or removed in the spool; after a restart they may be shipped once more",
      );
    isUntidy = failure !== undefined;
  }

  /** Undefined: nothing waits. */
  function batchAfter(place: Place): Batch | undefined {
    const many = batchIn(room, place, (bytes) => (bytes < PACK_FROM_BYTES ? "digest" : "packed"));
    // What hardly compresses is sent as it is, as much as then fits.
    if (many === undefined || (many.record.value?.length ?? 0) <= MAX_RECORD_BYTES) return many;
    return batchIn(roomAsItIs, place, () => "digest");
  }

  function batchIn(into: Buffer, place: Place, formOf: (bytes: number) => EnvelopeForm): Batch | undefined {
    const chunk = readAfter(folder, boot, place, into);
    if (chunk === undefined) return undefined;
    const records = inOneList(into, chunk.length);
    const end = opening.length + chunk.length;
    const payload = batch.subarray(0, end + CLOSING.copy(batch, end));
    const form = formOf(payload.length);
    const { value, headers } = sealEnvelope(signer, { deployment, topic: TOPIC, key }, 0, payload, form);
    const bytes = bytesBetween(place, chunk.end);
    return { record: { topic: TOPIC, key, value, headers }, records, bytes, end: chunk.end, isFull: chunk.isFull };
  }

  /** One in a turn of the event loop: checks are answered in between. */
  async function batchesAfter(place: Place): Promise<readonly Batch[]> {
    const batches: Batch[] = [];
    for (let next = batchAfter(place); next !== undefined; next = batchAfter(next.end)) {
      batches.push(next);
      if (!next.isFull || batches.length === together) break;
      await turn();
    }
    return batches;
  }

  return {
    async next() {
      const before = (from ??= acknowledged(folder, boot));
      const batches = await batchesAfter(before);
      const last = batches.at(-1);
      if (last === undefined) {
        await tidied(() => mark(before));
        return { kind: "nothing" };
      }
      // NB: at the end of a segment a batch is not full either.
      const isEmpty = together < MAX_TOGETHER && readAfter(folder, boot, last.end, room) === undefined;
      const outcome = await stream.publish(
        batches.map(({ record }) => record),
        { deadlineMs: PUBLISH_DEADLINE_MS },
      );
      if (outcome.kind === "unknown") {
        together = 1;
        return { kind: "not_acknowledged", cause: outcome.cause };
      }
      if (isEmpty) together = MAX_TOGETHER;
      const after = last.end;
      from = after;
      unmarked += batches.length;
      if (after.segment !== before.segment)
        await tidied(
          () => mark(after),
          () => removeShipped(folder, boot, after, false),
        );
      else if (unmarked >= MARK_EVERY) await tidied(() => mark(after));
      const total = (pick: (one: Batch) => number) => batches.reduce((sum, one) => sum + pick(one), 0);
      return {
        kind: "shipped",
        bytes: total((one) => one.bytes),
        records: total((one) => one.records),
        isFull: last.isFull,
      };
    },
  };
}

/** Lines of JSON become elements of a list, where they stand: a record holds no end of line. Returns how many. */
function inOneList(lines: Buffer, length: number): number {
  let records = 1;
  for (let at = lines.indexOf(NEWLINE); at >= 0 && at < length; at = lines.indexOf(NEWLINE, at + 1)) {
    lines[at] = COMMA;
    records += 1;
  }
  return records;
}

/** Within a segment its bytes; a new segment begins at its start. */
function bytesBetween(from: Place, end: Place): number {
  return from.segment === end.segment ? end.offset - from.offset : end.offset;
}
