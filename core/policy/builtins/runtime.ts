/**
 * `opa.runtime`, of which a policy may see the variables of the environment that the configuration names and nothing
 * else: the whole environment of a process holds its secrets. Without a name it is not served at all.
 */
import { type BuiltinTable, builtinTable } from "../builtin.ts";
import { RegoObject } from "../rego-value/value.ts";

type Environment = ReadonlyMap<string, string>;

/** `environment`: `policy.environment` of the configuration (environment-config.ts). */
export function withEnvironment(builtins: BuiltinTable, environment: Environment): BuiltinTable {
  return environment.size === 0 ? builtins : withRuntime(builtins, environment);
}

/** Served whatever is named: for what only builds or tries a policy, which sees no variable then. */
export function withRuntime(builtins: BuiltinTable, environment: Environment = new Map()): BuiltinTable {
  const runtime = new RegoObject([["env", new RegoObject(environment)]]);
  return new Map([...builtins, ...builtinTable([["opa.runtime", () => runtime]])]);
}
