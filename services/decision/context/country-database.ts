/**
 * The country of an address, from a MaxMind DB file that somebody else keeps up to date. A new file is read completely and validated before it is
 * used, so one that is truncated, broken or of another kind never replaces a good one; meanwhile look-ups use the last good one. A look-up never
 * waits and never throws: an unknown country is undefined.
 */
import { stat } from "node:fs/promises";
import { isIP } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { unmapped } from "../../../platform/http/unmapped.ts";
import { ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import { readCountryFile } from "./country-file.ts";

/** How often the file is checked; such databases change once a day. */
const LOOK_EVERY_MS = 10_000;

type Country = { readonly code: string; readonly databaseBuilt: Date };

export interface CountryDatabase extends AsyncDisposable {
  /** ISO 3166-1 alpha-2, in upper case. */
  find(address: string): Country | undefined;
  /** Reads the file now. Rejects with `ReloadRefused` if it is unusable; the last good one stays. */
  reload(path: string): Promise<void>;
}

/** Rejects when the file cannot be used: without a first one there is no last good one. */
export async function openCountryDatabase(
  { log, metrics, signal }: { readonly log: Log; readonly metrics: Metrics; readonly signal: AbortSignal },
  options: { readonly path: string; readonly lookEveryMs?: number },
): Promise<CountryDatabase> {
  const { lookEveryMs = LOOK_EVERY_MS } = options;
  const built = metrics.gauge(
    "country_database_built_timestamp_seconds",
    "when the active country database was built (epoch)",
  );
  const ending = new AbortController();
  const end = AbortSignal.any([signal, ending.signal]);
  let path = options.path;
  let seen = await versionOf(path);
  let active = await readCountryFile(path);
  built.set(active.built.getTime() / 1_000);

  let begun = 0;
  let taken = 0;

  const replace = async (from: string) => {
    const mine = (begun += 1);
    const version = await versionOf(from);
    // A refused file is checked again when it has changed.
    if (mine === begun) [path, seen] = [from, version];
    const candidate = await readCountryFile(from);
    // This takes many turns; a load that began later and has finished is newer.
    if (mine < taken) return;
    taken = mine;
    active = candidate;
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
      // NB: the reader accepts four numbers followed by anything; what is not an address (a socket's path) is in no country.
      const code = isIP(plain) === 0 ? undefined : active.find(plain);
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

/** Differs if the file does. A missing file has a version too, so that its absence is reported once. */
async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return "none";
  }
}
