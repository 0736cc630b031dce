/** Section `api` of a configuration that was read again. */
import { ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { DecisionConfig } from "../config.ts";

/** @throws ReloadRefused if it is missing: a file truncated before it would remove every client and every published key. */
export function apiOf({ api }: Pick<DecisionConfig, "api">): NonNullable<DecisionConfig["api"]> {
  if (api === undefined) throw new ReloadRefused("api: to switch it off needs a restart");
  return api;
}
