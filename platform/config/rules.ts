/**
 * Rules that a schema cannot express: values that are each fine, but unsafe or senseless together. Each rule looks at a few values, so that it
 * can be applied while others are unreadable: a rule that touches a missing or wrong value is skipped, and all others still report.
 */
import type { ConfigFault } from "./fault.ts";

export type Rule<Config> = (config: Config) => readonly ConfigFault[];

/** What the rules say of values of which some, named by dotted path, cannot be read. Only of those that could. */
export function faultsAmong<Config extends object>(
  rules: readonly Rule<Config>[],
  config: Config,
  unreadable: ReadonlySet<string>,
): readonly ConfigFault[] {
  const guarded = guard(config, "", unreadable);
  return rules.flatMap((rule) => {
    try {
      return rule(guarded);
    } catch {
      return [];
    }
  });
}

class Unreadable extends Error {}

function guard<T extends object>(value: T, path: string, unreadable: ReadonlySet<string>): T {
  const look = (name: string | symbol): string => {
    const at = path === "" ? String(name) : `${path}.${String(name)}`;
    if (unreadable.has(at)) throw new Unreadable(at);
    return at;
  };
  return new Proxy(value, {
    get(target, name) {
      const at = look(name);
      const inner: unknown = Reflect.get(target, name);
      return typeof inner === "object" && inner !== null ? guard(inner, at, unreadable) : inner;
    },
    has(target, name) {
      look(name);
      return Reflect.has(target, name);
    },
  });
}
