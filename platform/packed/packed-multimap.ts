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
  /** @throws RangeError for a record of more than 1 MiB. */
  add(key: string, record: PackedRecord): Place;
  remove(place: Place): void;
  /** The latest first. NB: those of another key may be among them, once in some billions of keys: compare what the record says. */
  get(key: string): readonly PackedRecord[];
};

const CHUNK_BYTES = 1_024 * 1_024;
/** Records begin at multiples of this, so that 32 bits are enough for a place. */
const UNIT_BYTES = 32;
const CHUNK_UNITS = CHUNK_BYTES / UNIT_BYTES;
const FIRST_BUCKETS = 1_024;
/** No record lies there. */
const NOWHERE: Place = 0;

// Ahead of each record: the place of the next one in its bucket, the hash of its key, and how many units it takes.
const HASH = 4;
const UNITS = 8;
const HEAD_BYTES = 12;

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
  const hashAt = (place: Place) => chunkOf(place).view.getUint32(inChunk(place) + HASH);
  const nextOf = (place: Place): Place => chunkOf(place).view.getUint32(inChunk(place));
  const setNext = (place: Place, next: Place) => chunkOf(place).view.setUint32(inChunk(place), next);

  function allocate(units: number): Place {
    const place = freed.get(units)?.pop();
    if (place !== undefined) return place;
    if (units > CHUNK_UNITS) throw new RangeError(`a record of ${units * UNIT_BYTES} bytes is too large`);
    const isWithin = (unused % CHUNK_UNITS) + units <= CHUNK_UNITS;
    const begin = isWithin ? unused : Math.ceil(unused / CHUNK_UNITS) * CHUNK_UNITS;
    unused = begin + units;
    if (chunks.length * CHUNK_UNITS < unused) {
      const bytes = Buffer.from(new ArrayBuffer(CHUNK_BYTES));
      chunks.push({ bytes, view: new DataView(bytes.buffer) });
    }
    return begin;
  }

  function link(place: Place): void {
    const bucket = bucketOf(hashAt(place));
    setNext(place, buckets[bucket] ?? NOWHERE);
    buckets[bucket] = place;
  }

  function unlink(place: Place): void {
    const bucket = bucketOf(hashAt(place));
    let before = buckets[bucket] ?? NOWHERE;
    if (before === place) {
      buckets[bucket] = nextOf(place);
      return;
    }
    while (nextOf(before) !== place) before = nextOf(before);
    setNext(before, nextOf(place));
  }

  function grow(): void {
    const before = buckets;
    buckets = new Uint32Array(before.length * 2);
    for (const first of before) {
      for (let place = first; place !== NOWHERE; ) {
        const next = nextOf(place);
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
      const chunk = chunkOf(place);
      const at = inChunk(place);
      chunk.view.setUint32(at + HASH, hashOf(key, seed));
      chunk.view.setUint32(at + UNITS, units);
      write(chunk, at + HEAD_BYTES, measured);
      if (records === buckets.length) grow();
      link(place);
      records += 1;
      return place;
    },

    remove(place) {
      unlink(place);
      const units = chunkOf(place).view.getUint32(inChunk(place) + UNITS);
      const others = freed.get(units);
      if (others === undefined) freed.set(units, [place]);
      else others.push(place);
      records -= 1;
    },

    get(key) {
      const hash = hashOf(key, seed);
      const found: PackedRecord[] = [];
      for (let place = buckets[bucketOf(hash)] ?? NOWHERE; place !== NOWHERE; place = nextOf(place)) {
        if (hashAt(place) === hash) found.push(read(chunkOf(place), inChunk(place) + HEAD_BYTES));
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
