/**
 * `opa.runtime`, of which a policy may see the variables of the environment that the configuration names and nothing
 * else: the whole environment of a process holds its secrets. Without a name it is not served at all.
 */
import { type BuiltinTable, builtinTable } from "../builtin.ts";
import { RegoObject } from "../rego-value/value.ts";

export function runtimeTable(environment: ReadonlyMap<string, string>): BuiltinTable {
  if (environment.size === 0) return builtinTable([]);
  const runtime = new RegoObject([["env", new RegoObject(environment)]]);
  return builtinTable([["opa.runtime", () => runtime]]);
}
