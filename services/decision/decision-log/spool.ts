/**
 * The spool of one boot: every record is written before its decision is answered, as a link of the hash chain. Records
 * are appended one by one and written together, so that the decisions of one turn of the event loop cost one call of the
 * system. A write that fails is taken back with all its records, so that the file never holds half a record that a later
 * one follows. Written data survives the death of the process; only `sync` makes it survive the machine's. After a failed
 * fsync nobody knows what is on the disk, so the spool refuses from then on.
 */
import { closeSync, fsync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { BEGINNING, endAfter, type LogEnd, placeAfter } from "../../../core/domain/log-chain.ts";
import { linkOf, type RecordBody } from "../../../core/messages/canonical-decision.ts";
import { segmentPath } from "./spool-files.ts";

const fsyncFile = promisify(fsync);

export type Spool = {
  readonly log: string;
  readonly boot: string;
  /** Only in memory until `write`. `full` and `broken` record nothing and consume no index. */
  append(body: RecordBody): "appended" | "full" | "broken";
  /** Synchronous; writes everything that was appended. `broken`: none of it is recorded, and its indexes are free again. */
  write(): "written" | "broken";
  /** Everything written before this call is on the disk when it resolves; rejects when that cannot be said. */
  sync(): Promise<void>;
  /** Records beyond what `released` freed. */
  readonly bytes: number;
  /** Takes shipped bytes off the account of `maxBytes`. */
  released(bytes: number): void;
  close(): void;
};

export type SpoolOptions = {
  readonly folder: string;
  readonly log: string;
  readonly boot: string;
  readonly segmentBytes: number;
  readonly maxBytes: number;
  /** Where a log that is being recovered goes on; a new one starts without it. */
  readonly after?: LogEnd;
};

/** @throws when the folder or the file cannot be made. */
export function openSpool(options: SpoolOptions): Spool {
  const { folder, log, boot } = options;
  mkdirSync(folder, { recursive: true });
  /** Where the chain goes on, behind what was written and behind what was appended. */
  let written = options.after ?? BEGINNING;
  let next = written;
  let pending = "";
  let pendingBytes = 0;
  let file = createSegment(written.nextIndex);
  let segmentBytes = 0;
  let bytes = 0;
  let broken = false;
  const retired: number[] = [];

  function createSegment(first: bigint): number {
    const opened = openSync(segmentPath(folder, boot, Number(first)), "a");
    const parent = openSync(folder, "r");
    fsyncSync(parent); // the name has to survive too
    closeSync(parent);
    return opened;
  }

  function rotate(): void {
    if (segmentBytes < options.segmentBytes) return;
    const opened = createSegment(written.nextIndex);
    retired.push(file);
    file = opened;
    segmentBytes = 0;
  }

  function writeAll(lines: string): void {
    rotate();
    const data = Buffer.from(lines, "utf8");
    for (let done = 0; done < data.length; ) done += writeSync(file, data, done);
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
      const { text, hash } = linkOf({ v: 1, log, index: Number(index), prev }, body);
      const lineBytes = Buffer.byteLength(text) + 1;
      if (bytes + pendingBytes + lineBytes > options.maxBytes) return "full";
      pending += `${text}\n`;
      pendingBytes += lineBytes;
      next = endAfter({ index, hash, closes: body.kind === "log_closed" });
      return "appended";
    },
    write() {
      if (broken) return "broken";
      const [lines, lineBytes] = [pending, pendingBytes];
      pending = "";
      pendingBytes = 0;
      try {
        writeAll(lines);
      } catch {
        next = written;
        broken = !takenBack();
        return "broken";
      }
      segmentBytes += lineBytes;
      bytes += lineBytes;
      written = next;
      return "written";
    },
    async sync() {
      const old = retired.splice(0);
      try {
        for (const one of [...old, file]) await fsyncFile(one);
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

  function takenBack(): boolean {
    try {
      ftruncateSync(file, segmentBytes);
      return true;
    } catch {
      return false;
    }
  }
}
