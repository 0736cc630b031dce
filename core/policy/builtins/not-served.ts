/**
 * Which of the built-ins that a module imports are not served here, and why not, with what to do instead: for the message that refuses a bundle.
 * NB: a built-in that is missing has to show when a bundle is activated; in the middle of a decision it would be too late.
 */
import type { BuiltinTable } from "../builtin.ts";

/** The variable is the decision service's, which alone asks. */
const ASKS =
  "a policy asks nobody of the network unless policy.network.hosts (COUNTERSIGN_POLICY_NETWORK_HOSTS) names whom it may ask: set it";

const REASONS: ReadonlyMap<string, string> = new Map([
  ["http.send", `${ASKS}, or bring what it would fetch as data of the bundle`],
  ["net.lookup_ip_addr", `${ASKS}, or keep addresses in data of the bundle`],
  [
    "opa.runtime",
    "a policy does not see the environment of the process: put what it needs into data of the bundle, or name the variables that it may see in policy.environment (COUNTERSIGN_POLICY_ENVIRONMENT)",
  ],
]);

/** Names in order, with the reason where there is one; undefined when all are served. */
export function notServed(imported: Iterable<string>, served: BuiltinTable): string | undefined {
  const missing = [...imported].filter((name) => !served.has(name)).sort();
  const shown = missing.map((name) => {
    const reason = REASONS.get(name);
    return reason === undefined ? name : `${name} (${reason})`;
  });
  return missing.length === 0 ? undefined : `not served here: ${shown.join(", ")}`;
}
