/** The kinds of foreign cases that can be run, by the name that the command takes. One file per kind. */
import { runAuthzenCases } from "./authzen.ts";
import type { Runner } from "./case-outcome.ts";
import { runEnvoyPluginCases } from "./envoy-plugin.ts";
import { runOpaCases } from "./opa.ts";

export const runners: ReadonlyMap<string, Runner> = new Map([
  ["authzen", runAuthzenCases],
  ["envoy-plugin", runEnvoyPluginCases],
  ["opa", runOpaCases],
]);
