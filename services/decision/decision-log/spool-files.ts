/**
 * The files of one boot's log in the spool folder: segments `<boot>.<first index>.log` with one record per line, and `<boot>.ack`, the place up
 * to which the stream has acknowledged everything. Losing the latter only ships records twice; consumers recognise them by (log, index). One
 * process per folder.
 */
import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, readSync, writeSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MAX_RECORD_BYTES } from "../../../core/messages/topics.ts";

/** Longest record, in bytes: a batch has room for at least one, beside its own words. */
export const MAX_LINE_BYTES = MAX_RECORD_BYTES - 1024;

export type Place = { readonly segment: number; readonly offset: number };

export type Segment = { readonly first: number; readonly path: string };

/** Records say who asked for what, from where, and what a policy displays: only this process may read them, whatever the umask. */
export const OWNER_ONLY = 0o600;

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

/** As `acknowledge` writes it. */
const MARK = /^(\d{16}) (\d{16})\n\1 \2\n$/;

/** The start, if there is no mark or an incomplete one. */
export function acknowledged(folder: string, boot: string): Place {
  const path = join(folder, `${boot}.ack`);
  const text = existsSync(path) ? readFileSync(path, "latin1") : "";
  const [, segment, offset] = MARK.exec(text) ?? [];
  return { segment: Number(segment ?? 0), offset: Number(offset ?? 0) };
}

const digits = (count: number) => String(count).padStart(16, "0");

/**
 * Written over the last one, always as long as that, in one call: to replace the file instead costs a millisecond. Said twice, so that a
 * mixture of an old place and a new one, which could lie behind both, is none.
 */
export function acknowledge(folder: string, boot: string, { segment, offset }: Place): void {
  const mark = `${digits(segment)} ${digits(offset)}\n`;
  const file = openSync(join(folder, `${boot}.ack`), constants.O_CREAT | constants.O_WRONLY, OWNER_ONLY);
  try {
    writeSync(file, mark + mark, 0);
  } finally {
    closeSync(file);
  }
}

/** Removes segments that lie wholly before the place. `all`: the boot has ended and everything is acknowledged. */
export async function removeShipped(folder: string, boot: string, place: Place, all: boolean): Promise<void> {
  for (const { first, path } of segmentsOf(folder, boot)) {
    if (all || first < place.segment) await rm(path, { force: true });
  }
  if (all) await rm(join(folder, `${boot}.ack`), { force: true });
}

/** How much was read into the buffer: whole lines, without the last line break. `isFull`: there was no room for what follows. */
export type Chunk = { readonly length: number; readonly end: Place; readonly isFull: boolean };

/**
 * Reads the next whole lines after a place, as many as `into` has room for, or undefined at the end.
 *
 * @throws for a line that is longer than all of `into`: as an end of the segment it would be stepped over, and removed with it
 */
export function readAfter(folder: string, boot: string, place: Place, into: Buffer): Chunk | undefined {
  // Nearly always in the same segment; then the folder need not be listed.
  const here = readLines(segmentPath(folder, boot, place.segment), place, into);
  if (here !== undefined) return here;
  for (const { first, path } of segmentsOf(folder, boot)) {
    const next = first > place.segment ? readLines(path, { segment: first, offset: 0 }, into) : undefined;
    if (next !== undefined) return next;
  }
  return undefined;
}

/** Undefined at the end of a segment (or before an incomplete line), or if it does not exist. */
function readLines(path: string, { segment, offset }: Place, into: Buffer): Chunk | undefined {
  const read = readAt(path, offset, into);
  const end = into.subarray(0, read).lastIndexOf(0x0a) + 1;
  if (end === 0 && read === into.length) throw new Error(`${path} holds a line of over ${read} bytes at ${offset}`);
  if (end === 0) return undefined;
  return { length: end - 1, end: { segment, offset: offset + end }, isFull: read === into.length };
}

function readAt(path: string, offset: number, into: Buffer): number {
  if (!existsSync(path)) return 0;
  const file = openSync(path, "r");
  try {
    let read = 0;
    while (read < into.length) {
      const count = readSync(file, into, read, into.length - read, offset + read);
      if (count === 0) break;
      read += count;
    }
    return read;
  } finally {
    closeSync(file);
  }
}
