/**
 * Which parts of the input the policies of a bundle read, as its build determined (scripts/bundle/input-reads.ts). The rest need not be
 * serialised and parsed for each decision: the policies contain no reference to it, so no result can depend on it.
 */
import type { Json } from "../domain/subject.ts";

/** Names of members, and what is read below each; undefined: all of it. */
export type InputReads = ReadonlyMap<string, InputReads | undefined>;

/** Of paths from the input downwards; everything below the end of a path is read. */
export function inputReadsOf(paths: readonly (readonly string[])[]): InputReads {
  const reads = new Map<string, InputReads | undefined>();
  for (const [name] of paths) {
    if (name === undefined || reads.has(name)) continue;
    const below = paths.filter(([first]) => first === name).map(([, ...rest]) => rest);
    // NB: to be assigned in an object this name is none like the others, so what holds it stays whole.
    const isWhole = below.some(([next]) => next === undefined || next === "__proto__");
    reads.set(name, isWhole ? undefined : inputReadsOf(below));
  }
  return reads;
}

/** Whether all that is `wanted` is there in what was written for `written`. */
export function holdsReads(written: InputReads | undefined, wanted: InputReads | undefined): boolean {
  if (written === undefined) return true;
  if (wanted === undefined) return false;
  for (const [name, below] of wanted) if (!written.has(name) || !holdsReads(written.get(name), below)) return false;
  return true;
}

/** What is read of a value; of what is no object all. */
export function onlyRead(value: Json, reads: InputReads | undefined): Json {
  if (reads === undefined || !isObject(value)) return value;
  const read: Record<string, Json> = {};
  for (const [name, below] of reads) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined;
    if (member !== undefined) read[name] = onlyRead(member, below);
  }
  return read;
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
