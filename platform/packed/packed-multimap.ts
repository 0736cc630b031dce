/**
 * A map from text to any number of records, for a million of them: they lie in a few large buffers, where a look touches two or three lines of
 * memory and the garbage collector finds nothing to walk through. As objects, a million records cost every call some microseconds, whatever it
 * does: each collection of the young generation looks at each page of the old one.
 *
 * Each record is read as a copy. Bytes that a removed record leaves are taken by the next of about its size; no memory is given back.
 */
import { randomInt } from "node:crypto";
import { type Memory, measure, type PackedRecord, read, write } from "./packed-record.ts";

/** Where a record lies, until it is removed. */
export type Place = number;

type PackedMultimap = {
  /** @throws RangeError for a record of nearly 1 MiB or more, and for one that is beyond 128 GiB of them. */
  add(key: string, record: PackedRecord): Place;
  /** Of a record that lies there: once. */
  remove(place: Place): void;
  /** The record that lies there. */
  at(place: Place): PackedRecord;
  /**
   * The latest first. NB: those of another key with the same hash are among them, which of a million keys some hundred pairs have: compare what the
   * record says.
   */
  get(key: string): ReadonlyMap<Place, PackedRecord>;
};

const CHUNK_BYTES = 1_024 * 1_024;
/** Records begin at multiples of this, so that 32 bits are enough for a place. */
const UNIT_BYTES = 32;
const CHUNK_UNITS = CHUNK_BYTES / UNIT_BYTES;
const FIRST_BUCKETS = 1_024;
/** No record lies there. */
const NOWHERE: Place = 0;

const LAST_PLACE: Place = 2 ** 32 - 1;

// Ahead of each record: the places of the next one in its bucket and of the one before it, the hash of its key, and how many units it takes; none once
// it is removed.
const NEXT = 0;
const BEFORE = 4;
const HASH = 8;
const UNITS = 12;
const HEAD_BYTES = 16;

export function createPackedMultimap(): PackedMultimap {
  // NB: so that nobody can choose keys that fall into one bucket.
  const seed = randomInt(2 ** 32);
  const chunks: Memory[] = [];
  let unused: Place = NOWHERE + 1;
  /** By how many units were freed there. */
  const freed = new Map<number, Place[]>();
  let buckets = new Uint32Array(FIRST_BUCKETS);
  let records = 0;

  function chunkOf(place: Place): Memory {
    const chunk = chunks[Math.floor(place / CHUNK_UNITS)];
    if (chunk === undefined) throw new RangeError(`no record lies at ${place}`);
    return chunk;
  }

  const bucketOf = (hash: number) => hash & (buckets.length - 1);
  const told = (place: Place, what: number) => chunkOf(place).view.getUint32(inChunk(place) + what);
  const tell = (place: Place, what: number, value: number) =>
    chunkOf(place).view.setUint32(inChunk(place) + what, value);

  function allocate(units: number): Place {
    const place = freed.get(units)?.pop();
    if (place !== undefined) return place;
    const isWithin = (unused % CHUNK_UNITS) + units <= CHUNK_UNITS;
    const begin = isWithin ? unused : Math.ceil(unused / CHUNK_UNITS) * CHUNK_UNITS;
    if (units >= CHUNK_UNITS || begin > LAST_PLACE) throw new RangeError("no place for another record of this size");
    unused = begin + units;
    if (chunks.length * CHUNK_UNITS < unused) {
      const bytes = Buffer.from(new ArrayBuffer(CHUNK_BYTES));
      chunks.push({ bytes, view: new DataView(bytes.buffer) });
    }
    return begin;
  }

  /** First in its bucket. */
  function link(place: Place): void {
    const bucket = bucketOf(told(place, HASH));
    const next = buckets[bucket] ?? NOWHERE;
    tell(place, NEXT, next);
    tell(place, BEFORE, NOWHERE);
    if (next !== NOWHERE) tell(next, BEFORE, place);
    buckets[bucket] = place;
  }

  function unlink(place: Place): void {
    const next = told(place, NEXT);
    const before = told(place, BEFORE);
    if (next !== NOWHERE) tell(next, BEFORE, before);
    if (before !== NOWHERE) tell(before, NEXT, next);
    else buckets[bucketOf(told(place, HASH))] = next;
  }

  function grow(): void {
    const before = buckets;
    buckets = new Uint32Array(before.length * 2);
    for (const first of before) {
      for (let place = first; place !== NOWHERE; ) {
        const next = told(place, NEXT);
        link(place);
        place = next;
      }
    }
  }

  return {
    add(key, record) {
      const measured = measure(record);
      const units = Math.ceil((HEAD_BYTES + measured.byteLength) / UNIT_BYTES);
      const place = allocate(units);
      tell(place, HASH, hashOf(key, seed));
      tell(place, UNITS, units);
      write(chunkOf(place), inChunk(place) + HEAD_BYTES, measured);
      if (records === buckets.length) grow();
      link(place);
      records += 1;
      return place;
    },

    remove(place) {
      const units = told(place, UNITS);
      if (units === 0) throw new RangeError(`no record lies at ${place}`);
      unlink(place);
      tell(place, UNITS, 0);
      const others = freed.get(units);
      if (others === undefined) freed.set(units, [place]);
      else others.push(place);
      records -= 1;
    },

    at: (place) => read(chunkOf(place), inChunk(place) + HEAD_BYTES),

    get(key) {
      const hash = hashOf(key, seed);
      const found = new Map<Place, PackedRecord>();
      for (let place = buckets[bucketOf(hash)] ?? NOWHERE; place !== NOWHERE; place = told(place, NEXT)) {
        if (told(place, HASH) === hash) found.set(place, read(chunkOf(place), inChunk(place) + HEAD_BYTES));
      }
      return found;
    },
  };
}

function inChunk(place: Place): number {
  return (place % CHUNK_UNITS) * UNIT_BYTES;
}

/** FNV-1a over UTF-16 units, with MurmurHash3's last steps, which spread it over the low bits. */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
