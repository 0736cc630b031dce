/**
 * The spool of one boot: every record is written before its decision is answered, as a link of the hash chain. Records are appended as bytes to
 * one reused buffer, hashed there, and written together, so that the decisions of one turn of the event loop cost one system call. A failed write
 * is undone with all its records, so that the file never contains half a record followed by another. Written data survives the death of the
 * process; only `sync` makes it survive the machine's. After a failed fsync nobody knows what is on the disk, so the spool refuses everything
 * from then on.
 */
import { closeSync, fdatasync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { BEGINNING, endAfter, type LogEnd, placeAfter } from "../../../core/domain/log-chain.ts";
import { canonicalRecord, type RecordBody } from "../../../core/messages/canonical-decision.ts";
import { leafHashInPlace } from "../../../core/messages/hashing.ts";
import { makeFolder } from "../../../platform/make-folder.ts";
import { MAX_LINE_BYTES, OWNER_ONLY, segmentPath } from "./spool-files.ts";

/** It omits only the modification time; the file's length reaches the disk. */
const syncData = promisify(fdatasync);
const NEWLINE = 0x0a;
/** The decisions of one turn usually fit; more make it grow until they are written. */
const BUFFER_BYTES = 256 * 1024;
/** Longest form of one UTF-16 unit in UTF-8. */
const UNIT_BYTES = 3;

export type Spool = {
  readonly log: string;
  readonly boot: string;
  /**
   * Only in memory until `write`. `full` and `broken` record nothing and consume no index.
   *
   * @throws what canonicalRecord does, and for a record that is longer than a batch; nothing is recorded then either
   */
  append(body: RecordBody): "appended" | "full" | "broken";
  /** Synchronous; writes everything that was appended. `broken`: none of it is recorded, and its indexes are free again. */
  write(): "written" | "broken";
  /** Everything written before this call is on the disk when it resolves; rejects when that cannot be said. */
  sync(): Promise<void>;
  /** Bytes of records, minus what `released` freed. */
  readonly bytes: number;
  /** Frees shipped bytes from the limit `maxBytes`. */
  released(bytes: number): void;
  close(): void;
};

export type SpoolOptions = {
  readonly folder: string;
  readonly log: string;
  readonly boot: string;
  readonly segmentBytes: number;
  readonly maxBytes: number;
  /** Where a recovered log continues; absent for a new one. */
  readonly after?: LogEnd;
};

/** @throws when the folder or the file cannot be made. */
export function openSpool(options: SpoolOptions): Spool {
  const { folder, log, boot } = options;
  makeFolder(folder);
  /** Where the chain goes on, behind what was written and behind what was appended. */
  let written = options.after ?? BEGINNING;
  let next = written;
  /** Appended and not written: from 1 to `end`. NB: the byte before a record is lent to its hash. */
  let lines = Buffer.allocUnsafe(BUFFER_BYTES);
  let end = 1;
  /** A file was created, and its name may not be on the disk yet. */
  let isNamedAnew = false;
  let file = createSegment(written.nextIndex);
  let segmentBytes = 0;
  let bytes = 0;
  let broken = false;
  const retired: number[] = [];

  function createSegment(first: bigint): number {
    isNamedAnew = true;
    return openSync(segmentPath(folder, boot, Number(first)), "a", OWNER_ONLY);
  }

  function roomFor(length: number): void {
    if (end + length <= lines.length) return;
    const larger = Buffer.allocUnsafe(2 * (end + length));
    lines.copy(larger, 0, 0, end);
    lines = larger;
  }

  function rotate(): void {
    if (segmentBytes < options.segmentBytes) return;
    const opened = createSegment(written.nextIndex);
    retired.push(file);
    file = opened;
    segmentBytes = 0;
  }

  function writeAll(length: number): void {
    rotate();
    for (let done = 0; done < length; ) done += writeSync(file, lines, 1 + done, length - done);
  }

  return {
    log,
    boot,
    get bytes() {
      return bytes;
    },
    append(body) {
      if (broken) return "broken";
      const { index, previous: prev } = placeAfter(next);
      const text = canonicalRecord({ v: 1, log, index: Number(index), prev }, body);
      roomFor(text.length * UNIT_BYTES + 1);
      const newline = end + lines.write(text, end);
      if (newline - end > MAX_LINE_BYTES) throw new Error(`a record of ${newline - end} bytes fits into no batch`);
      // NB: there is always room for the end of a log: a reader could not tell a full spool from a truncated tail.
      if (bytes + newline > options.maxBytes && body.kind !== "log_closed") return "full";
      const hash = leafHashInPlace(lines, end, newline);
      lines[end - 1] = NEWLINE;
      lines[newline] = NEWLINE;
      end = newline + 1;
      next = endAfter({ index, hash, closes: body.kind === "log_closed" });
      return "appended";
    },
    write() {
      if (broken) return "broken";
      const length = end - 1;
      end = 1;
      try {
        writeAll(length);
      } catch {
        next = written;
        broken = !takenBack();
        return "broken";
      }
      segmentBytes += length;
      bytes += length;
      written = next;
      if (lines.length > BUFFER_BYTES) lines = Buffer.allocUnsafe(BUFFER_BYTES);
      return "written";
    },
    async sync() {
      const old = retired.splice(0);
      const all = [...old, file]; // now: another sync may begin while we wait
      try {
        if (isNamedAnew) await syncNames();
        for (const one of all) await syncData(one);
      } catch (error) {
        broken = true;
        throw error;
      } finally {
        for (const one of old) closeSync(one);
      }
      if (broken) throw new Error("the spool failed earlier");
    },
    released(shipped) {
      bytes = Math.max(0, bytes - shipped);
    },
    close() {
      for (const one of retired.splice(0)) closeSync(one);
      closeSync(file);
      broken = true;
    },
  };

  async function syncNames(): Promise<void> {
    isNamedAnew = false;
    const parent = await open(folder, "r");
    try {
      await parent.sync();
    } finally {
      await parent.close();
    }
  }

  function takenBack(): boolean {
    try {
      ftruncateSync(file, segmentBytes);
      return true;
    } catch {
      return false;
    }
  }
}
