/** Constructs the context of policies, and has SIGHUP read the country database again. */
import type { ContextConfig } from "../../../core/policy/context-config.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { openCountryDatabase } from "../context/country-database.ts";
import { createDevicePosture } from "../context/device-posture.ts";
import { type ContextDeps, createContext } from "../context/gather.ts";
import { createLocalTime } from "../context/local-time.ts";
import type { Context } from "../ports.ts";
import type { SharedParts } from "./path-parts.ts";

type Deps = Pick<SharedParts, "log" | "metrics" | "lifecycle" | "reload" | "sourceAddress"> &
  Pick<ContextDeps, "freshness" | "incidents" | "profile">;

export async function startContext(
  { log, metrics, lifecycle, reload, sourceAddress, freshness, incidents, profile }: Deps,
  { timeZone, officeHours, countryDatabase: path, device }: Omit<ContextConfig, "profiles">,
): Promise<Context> {
  const countries =
    path === undefined
      ? undefined
      : lifecycle.own(
          await fromFiles("context.countryDatabase", "a MaxMind DB file with countries", () =>
            openCountryDatabase({ log, metrics, signal: lifecycle.signal }, { path }),
          ),
        );
  if (countries !== undefined) {
    reload.part("country_database", ["context.countryDatabase"], (now) =>
      countries.reload(now.context.countryDatabase ?? path ?? ""),
    );
  }
  return createContext({
    freshness,
    incidents,
    profile,
    sourceAddress,
    localTime: createLocalTime(timeZone, officeHours),
    countries,
    device: createDevicePosture(device),
  });
}
