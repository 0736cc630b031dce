/** `policy.environment` of a configuration, the same in both services and both modes: which variables `opa.runtime` shows to a policy. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../platform/config/fault.ts";

const KEY = "policy.environment";

export const EnvironmentSchema = Type.Array(Type.String({ pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }), {
  default: [],
  description:
    "Variables of this process that policies see as `opa.runtime().env`; each must be set. Empty: a bundle that calls `opa.runtime` is refused. Use the same list in both services.",
});

type Variables = Readonly<Record<string, string | undefined>>;
type Names = Static<typeof EnvironmentSchema>;

/** `isOwn`: of the variables that configure this process, which may be keys and passwords. */
export function environmentFaults(
  names: Names,
  variables: Variables,
  isOwn: (name: string) => boolean,
): readonly ConfigFault[] {
  return names.flatMap((name) => {
    const fault = (problem: string) => [{ key: KEY, variable: undefined, problem }];
    if (isOwn(name)) return fault(`names ${name}, which configures this process and may be a secret; remove it`);
    return variables[name] === undefined ? fault(`names ${name}, which is not set; set it or remove the name`) : [];
  });
}

/** What the policy sees: the named variables and no other. */
export function chosenEnvironment(names: Names, variables: Variables): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name, variables[name] ?? ""]));
}
