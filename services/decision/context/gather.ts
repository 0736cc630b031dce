/**
 * Gathers `input.context` (docs/context.md): the time, in UTC and at the organisation, the source address and its country, the device, open
 * incidents, whether the state behind grants and incidents is fresh, and when and from where the account usually calls. Nothing is fetched during
 * a check, and an unknown value is absent.
 */
import type { Clocks, Freshness } from "../../../core/domain/freshness.ts";
import type { Json, Subject } from "../../../core/domain/subject.ts";
import { type Instant, rfc3339 } from "../../../core/domain/time.ts";
import type { Context, Evaluation } from "../ports.ts";
import type { CountryDatabase } from "./country-database.ts";
import type { DevicePosture } from "./device-posture.ts";
import type { LocalTime } from "./local-time.ts";

export type ContextDeps = {
  readonly freshness: (clocks: Clocks) => Freshness;
  /** Undefined until the state topic has been confirmed once: unknown is not the same as none. */
  readonly incidents: () => readonly Json[] | undefined;
  /** When and from where an account usually calls. */
  readonly profile: ((subject: Subject) => Json | undefined) | undefined;
  readonly sourceAddress: (evaluation: Evaluation) => string | undefined;
  readonly localTime: (now: Instant) => LocalTime;
  readonly countries: Pick<CountryDatabase, "find"> | undefined;
  readonly device: DevicePosture | undefined;
};

export function createContext(deps: ContextDeps): Context {
  const { freshness, incidents, profile, sourceAddress, localTime, countries, device } = deps;
  return {
    gather(evaluation, clocks, subject) {
      const address = sourceAddress(evaluation);
      const open = incidents();
      const usual = subject === undefined ? undefined : profile?.(subject);
      const country = address === undefined ? undefined : countries?.find(address);
      return {
        time: rfc3339(clocks.wall),
        local: localTime(clocks.wall),
        ...(address === undefined ? {} : { source_address: address }),
        ...(country === undefined
          ? {}
          : { country: country.code, country_database: country.databaseBuilt.toISOString() }),
        ...(device === undefined ? {} : { device: device(evaluation, subject) }),
        ...(open === undefined ? {} : { incidents: open }),
        ...(usual === undefined ? {} : { profile: usual }),
        state: { fresh: freshness(clocks).kind === "fresh" },
      };
    },
  };
}
