/**
 * The files of one boot's log in the spool folder: segments `<boot>.<first index>.log` with one record per line, and
 * `<boot>.ack`, the place up to which everything is acknowledged by the stream. Losing the acknowledgement only ships
 * records twice; a consumer knows them by (log, index). One process per folder.
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

export type Place = { readonly segment: number; readonly offset: number };

export type Segment = { readonly first: number; readonly path: string };

const SEGMENT = /^([0-9a-f-]{36})\.(\d{15})\.log$/;

export function segmentPath(folder: string, boot: string, first: number): string {
  return join(folder, `${boot}.${String(first).padStart(15, "0")}.log`);
}

/** Boots that left segments, oldest name first (boots are UUIDs of version 7). */
export function bootsIn(folder: string): readonly string[] {
  const boots = new Set<string>();
  for (const name of readdirSync(folder)) {
    const boot = SEGMENT.exec(name)?.[1];
    if (boot !== undefined) boots.add(boot);
  }
  return [...boots].sort();
}

export function segmentsOf(folder: string, boot: string): readonly Segment[] {
  const segments: Segment[] = [];
  for (const name of readdirSync(folder).sort()) {
    const match = SEGMENT.exec(name);
    if (match?.[1] === boot) segments.push({ first: Number(match[2]), path: join(folder, name) });
  }
  return segments;
}

export function acknowledged(folder: string, boot: string): Place {
  try {
    const [segment, offset] = readFileSync(join(folder, `${boot}.ack`), "utf8")
      .split(" ")
      .map(Number);
    if (Number.isSafeInteger(segment) && Number.isSafeInteger(offset))
      return { segment: segment ?? 0, offset: offset ?? 0 };
  } catch {
    // None yet, or unreadable: from the start.
  }
  return { segment: 0, offset: 0 };
}

/** Replaces the file as a whole, so that a crash leaves the old place or the new one. */
export function acknowledge(folder: string, boot: string, place: Place): void {
  const path = join(folder, `${boot}.ack`);
  writeFileSync(`${path}.new`, `${place.segment} ${place.offset}`);
  renameSync(`${path}.new`, path);
}

/** Removes segments that lie wholly before the place. `all`: the boot has ended and everything is acknowledged. */
export function removeShipped(folder: string, boot: string, place: Place, all: boolean): void {
  for (const { first, path } of segmentsOf(folder, boot)) {
    if (all || first < place.segment) rmSync(path, { force: true });
  }
  if (all && existsSync(join(folder, `${boot}.ack`))) rmSync(join(folder, `${boot}.ack`));
}

export type Chunk = { readonly lines: readonly string[]; readonly end: Place };

/** The next whole lines after a place, at most `maxBytes` together (one line at least), or undefined at the end. */
export function readAfter(folder: string, boot: string, place: Place, maxBytes: number): Chunk | undefined {
  // Nearly always in the same segment, and then nothing has to be listed.
  const here = readLines(segmentPath(folder, boot, place.segment), place, maxBytes);
  if (here !== undefined) return here;
  for (const { first, path } of segmentsOf(folder, boot)) {
    const next = first > place.segment ? readLines(path, { segment: first, offset: 0 }, maxBytes) : undefined;
    if (next !== undefined) return next;
  }
  return undefined;
}

/** Undefined for a segment that is at its end (or has a line under way), or is not there. */
function readLines(path: string, { segment, offset }: Place, maxBytes: number): Chunk | undefined {
  const bytes = readAt(path, offset, maxBytes);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end === 0) return undefined;
  const lines = bytes
    .subarray(0, end - 1)
    .toString("utf8")
    .split("\n");
  return { lines, end: { segment, offset: offset + end } };
}

function readAt(path: string, offset: number, length: number): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(length);
    let read = 0;
    while (read < length) {
      const count = readSync(file, bytes, read, length - read, offset + read);
      if (count === 0) break;
      read += count;
    }
    return bytes.subarray(0, read);
  } finally {
    closeSync(file);
  }
}
