/**
 * What policies may know of the moment, as `input.context`: the time, in UTC and where the organisation works, the source address by trusted
 * hops and its country, what is said of the device, which incidents are open, whether the state that these and grants come from is fresh, and
 * when and from where the account usually calls. Each is a value of this moment; nothing is fetched inside a check, and what is not known is
 * not there.
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
  /** Undefined as long as nothing is known of them. */
  readonly incidents: () => readonly Json[] | undefined;
  /** What is known of when and from where an account usually calls. */
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
