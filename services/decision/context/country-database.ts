/**
 * The country of an address, from a MaxMind DB file that somebody else keeps current. The file is read whole and looked through before it
 * counts, so one that is cut, broken, or of another kind never takes the place of a good one; look-ups go on in the last good one
 * meanwhile. A look-up never waits and never throws: what is not known is undefined.
 */
import { stat, readFile } from "node:fs/promises";
import { isIP, isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Reader } from "mmdb-lib";
import { ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";

/** How often the file is looked at: such databases change once a day. */
const LOOK_EVERY_MS = 10_000;
/** Networks that are looked at before a database counts. */
const SAMPLE = 4_096;
/** Where they are looked for: all of IPv4, and what of IPv6 is given out (2000::/3). */
const SAMPLED: readonly (readonly [bits: number, from: bigint, end: bigint, text: (address: bigint) => string])[] = [
  [32, 0n, 1n << 32n, (address) => dotted(Number(address))],
  [128, 0x2n << 124n, 0x4n << 124n, grouped],
];

type Country = { readonly code: string; readonly databaseBuilt: Date };

export interface CountryDatabase extends AsyncDisposable {
  /** ISO 3166-1 alpha-2, in upper case. */
  find(address: string): Country | undefined;
  /** Reads the file now. Rejects with `ReloadRefused` when it is no good; the last good one stays. */
  reload(path: string): Promise<void>;
}

type Loaded = { readonly find: (address: string) => unknown; readonly built: Date };

/** Rejects when the file cannot be used: without a first one there is no last good one. */
export async function openCountryDatabase(
  { log, metrics, signal }: { readonly log: Log; readonly metrics: Metrics; readonly signal: AbortSignal },
  options: { readonly path: string; readonly lookEveryMs?: number },
): Promise<CountryDatabase> {
  const { lookEveryMs = LOOK_EVERY_MS } = options;
  const built = metrics.gauge("country_database_built_seconds", "when the active country database was made (epoch)");
  const ending = new AbortController();
  const end = AbortSignal.any([signal, ending.signal]);
  let path = options.path;
  let seen = await versionOf(path);
  let active = await load(path);
  built.set(active.built.getTime() / 1_000);

  const replace = async (from: string) => {
    const version = await versionOf(from);
    try {
      active = await load(from);
    } finally {
      // One that is refused is looked at again when it has changed.
      [path, seen] = [from, version];
    }
    built.set(active.built.getTime() / 1_000);
    log.info({ event: "country_database_loaded", built: active.built.toISOString() }, "a country database is active");
  };

  const watch = async () => {
    while (!end.aborted) {
      try {
        await sleep(lookEveryMs, undefined, { signal: end, ref: false });
        if ((await versionOf(path)) !== seen) await replace(path);
      } catch (error) {
        if (end.aborted) return;
        log.warn(
          { event: "country_database_refused", err: error },
          "a country database cannot be used; the last good one stays",
        );
      }
    }
  };
  const watching = watch();

  return {
    find(address) {
      const plain = unmapped(address);
      // NB: the reader takes four numbers and goes on; what is no address at all (a socket's path) is in no country.
      const code = isIP(plain) === 0 ? undefined : codeIn(safely(() => active.find(plain)));
      return code === undefined ? undefined : { code, databaseBuilt: active.built };
    },
    async reload(from) {
      try {
        await replace(from);
      } catch (error) {
        throw new ReloadRefused(`country database: ${error instanceof Error ? error.message : "cannot be read"}`);
      }
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      await watching;
    },
  };
}

/** Differs when the file does. One that is not there has a version too, so that its absence is said once. */
async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return "none";
  }
}

/** Throws unless the whole search tree is there, no sampled network is broken, and one of them has a country. */
async function load(path: string): Promise<Loaded> {
  const bytes = await readFile(path);
  // NB: the kind of record is looked at by `codeIn`; what a file says of itself is not.
  const reader = new Reader(bytes);
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
      const [record, prefix] = reader.getWithPrefixLength(text(at));
      hasCountry ||= codeIn(record) !== undefined;
      // Past the network that was found, never back: a broken tree may say anything.
      at += 1n << BigInt(bits - Math.min(Math.max(prefix, 0), bits));
    }
  }
  if (!hasCountry) throw new Error("holds no country");
  return {
    // NB: in a file of IPv4 the reader would follow the first 32 bits of an IPv6 address to whatever IPv4 network they are.
    find: (address) => (ipVersion === 4 && isIPv6(address) ? undefined : reader.get(address)),
    built: buildEpoch,
  };
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

function safely(find: () => unknown): unknown {
  try {
    return find();
  } catch {
    return undefined;
  }
}

/** An IPv4 address that came over an IPv6 socket. */
function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function grouped(address: bigint): string {
  return [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((address >> shift) & 0xffffn).toString(16)).join(":");
}
