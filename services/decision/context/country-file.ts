/**
 * One MaxMind DB file with countries, read completely and validated before use. Validation is thousands of look-ups, so it is done in pieces,
 * each in its own turn of the event loop: checks go on meanwhile.
 */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { Reader } from "mmdb-lib";

/** Networks checked before a file is used, for each address family. */
const SAMPLE = 4_096;
/** Networks checked in one turn: a new record takes some 20 µs. */
const PIECE = 64;
/** Where they are taken from: all of IPv4, and the allocated part of IPv6 (2000::/3). */
const SAMPLED: readonly (readonly [bits: number, from: bigint, end: bigint, text: (address: bigint) => string])[] = [
  [32, 0n, 1n << 32n, (address) => dotted(Number(address))],
  [128, 0x2n << 124n, 0x4n << 124n, grouped],
];
/** A file's metadata begins so, within its last 128 KiB. The reader would search all of a large file for it, in one turn. */
const DESCRIPTION = Buffer.from("\xab\xcd\xefMaxMind.com", "latin1");
const DESCRIPTION_WITHIN = 131_072;
/** Files of countries hold a few thousand records; of cities, many more, and then the oldest are forgotten. */
const REMEMBERED = 8_192;
/** The part of a record that is kept. */
const READ = ["country", "country_code", "iso_code"];

type CountryFile = {
  /** ISO 3166-1 alpha-2, in upper case. Never throws. */
  readonly find: (address: string) => string | undefined;
  readonly built: Date;
};

/** Rejects unless the whole search tree is there, no sampled network is broken, and one of them has a country. */
export async function readCountryFile(path: string): Promise<CountryFile> {
  const bytes = await readFile(path);
  if (!bytes.subarray(-DESCRIPTION_WITHIN).includes(DESCRIPTION)) throw new Error("is not a whole MaxMind DB");
  // NB: `codeIn` checks the kind of record; the file's own description is not relied on.
  const reader = new Reader(bytes, { cache: createRecords() });
  const { searchTreeSize, recordSize, ipVersion, buildEpoch } = reader.metadata;
  if (![24, 28, 32].includes(recordSize) || ![4, 6].includes(ipVersion) || searchTreeSize + 16 >= bytes.length) {
    throw new Error("is not a whole MaxMind DB");
  }
  if (!(buildEpoch instanceof Date) || Number.isNaN(buildEpoch.getTime()))
    throw new Error("does not say when it was made");
  let hasCountry = false;
  for (const [bits, from, end, text] of ipVersion === 4 ? SAMPLED.slice(0, 1) : SAMPLED) {
    let at = from;
    for (let count = 0; count < SAMPLE && at < end; count += 1) {
      if (count % PIECE === 0) await turn();
      const [record, prefix] = reader.getWithPrefixLength(text(at));
      hasCountry ||= codeIn(record) !== undefined;
      // Past the network that was found, never back: a broken tree may say anything.
      at += 1n << BigInt(bits - Math.min(Math.max(prefix, 0), bits));
    }
  }
  if (!hasCountry) throw new Error("holds no country");
  return {
    find(address) {
      // NB: in a file of IPv4 the reader would follow the first 32 bits of an IPv6 address to whatever IPv4 network they are.
      if (ipVersion === 4 && isIPv6(address)) return undefined;
      try {
        return codeIn(reader.get(address));
      } catch {
        return undefined;
      }
    },
    built: buildEpoch,
  };
}

/**
 * What the reader has decoded, by its place in the file: records, and what several of them point to. Reading a vendor's record whole, with its names in
 * eight languages, takes ten times as long as finding it; so only what `codeIn` looks at is kept, and goes with the file.
 */
function createRecords() {
  const records = new Map<string | number, { readonly value: unknown }>();
  return {
    get: (place: string | number) => records.get(place),
    set(place: string | number, { value }: { readonly value: unknown }) {
      const oldest = records.size < REMEMBERED ? undefined : records.keys().next().value;
      if (oldest !== undefined) records.delete(oldest);
      records.set(place, { value: whatIsRead(value) });
    },
  };
}

function whatIsRead(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const read = READ.map((name) => [name, memberOf(value, name)] as const).filter(([, one]) => one !== undefined);
  return Object.fromEntries(read.map(([name, one]) => [name, whatIsRead(one)]));
}

/** Of the forms in use: `country.iso_code` (MaxMind, DB-IP), `country_code`, or `country` itself as text. */
function codeIn(record: unknown): string | undefined {
  const country = memberOf(record, "country");
  const code = memberOf(country, "iso_code") ?? memberOf(record, "country_code") ?? country;
  return typeof code === "string" && /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function grouped(address: bigint): string {
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((address >> shift) & 0xffffn).toString(16)).join(":");
}
