/**
 * The spool of one boot: every record is appended before its decision is answered, as a link of the hash chain. A write
 * that fails is taken back, so that the file never holds half a record that a later one follows. Written data survives
 * the death of the process; only `sync` makes it survive the machine's. After a failed fsync nobody knows what is on the
 * disk, so the spool refuses from then on.
 */
import { closeSync, fsync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { Digest } from "../../../core/domain/id.ts";
import { type DecisionLogRecord, linkOf } from "../../../core/messages/decision-record.ts";
import { NO_PREVIOUS } from "../../../core/messages/hashing.ts";
import { segmentPath } from "./spool-files.ts";

const fsyncFile = promisify(fsync);

type Link = "v" | "log" | "index" | "prev";
type Unlinked<R> = R extends DecisionLogRecord ? Omit<R, Link> : never;
export type RecordBody = Unlinked<DecisionLogRecord>;

export type Spool = {
  readonly log: string;
  readonly boot: string;
  /** Synchronous. `full` and `broken` record nothing and consume no index. */
  append(body: RecordBody): "written" | "full" | "broken";
  /** Everything appended before this call is on the disk when it resolves; rejects when that cannot be said. */
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
  readonly after?: { readonly index: number; readonly hash: Digest };
};

/** @throws when the folder or the file cannot be made. */
export function openSpool(options: SpoolOptions): Spool {
  const { folder, log, boot } = options;
  mkdirSync(folder, { recursive: true });
  let index = (options.after?.index ?? -1) + 1;
  let previous = options.after?.hash ?? NO_PREVIOUS;
  let file = createSegment(index);
  let segmentBytes = 0;
  let bytes = 0;
  let broken = false;
  const retired: number[] = [];

  function createSegment(first: number): number {
    const opened = openSync(segmentPath(folder, boot, first), "a");
    const parent = openSync(folder, "r");
    fsyncSync(parent); // the name has to survive too
    closeSync(parent);
    return opened;
  }

  function rotate(): void {
    if (segmentBytes < options.segmentBytes) return;
    const next = createSegment(index);
    retired.push(file);
    file = next;
    segmentBytes = 0;
  }

  return {
    log,
    boot,
    get bytes() {
      return bytes;
    },
    append(body) {
      if (broken) return "broken";
      const record: DecisionLogRecord = { v: 1, log, index, prev: previous, ...body };
      const { text, hash } = linkOf(record);
      const line = Buffer.from(`${text}\n`, "utf8");
      if (bytes + line.length > options.maxBytes) return "full";
      try {
        rotate();
        for (let done = 0; done < line.length; ) done += writeSync(file, line, done);
      } catch {
        broken = !takenBack();
        return "broken";
      }
      segmentBytes += line.length;
      bytes += line.length;
      index += 1;
      previous = hash;
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
