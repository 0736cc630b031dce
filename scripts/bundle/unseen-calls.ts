/**
 * Calls of module-native built-ins whose failure nobody sees (core/policy/native-builtins.ts): a failing call makes a rule undefined, and an undefined
 * deny opens a door. In `allow` it closes one, but for what stands behind `not` or in a comprehension.
 */
import { UNSEEN } from "../../core/policy/native-builtins.ts";
import { callsIn, field, refText } from "./ast.ts";
import { isComprehension } from "./rule-forms.ts";

/** Of the calls that nobody sees fail: what the host serves, and where a failure denies. */
const SEEN_INSTEAD: ReadonlyMap<string, string> = new Map([
  ["to_number", "units.parse"],
  ["json.unmarshal", "yaml.unmarshal"],
  ["net.cidr_contains", "net.cidr_contains_matches"],
]);

/** Anywhere in a rule, but for those that are waived: what to mend. */
export function unseenCalls(rule: unknown, ruleName: string, waived: ReadonlySet<string>): readonly string[] {
  return calls(rule)
    .filter((call) => !waived.has(call))
    .map(
      (call) => `${ruleName} calls ${call}, which can fail unseen and leave the rule undefined; ${insteadText(call)}`,
    );
}

/** Where a failure makes the rule hold. */
export function openingCalls(rule: unknown, ruleName: string, waived: ReadonlySet<string>): readonly string[] {
  return calls(openedByFailures(rule))
    .filter((call) => !waived.has(call))
    .map(
      (call) =>
        `${ruleName} has ${call} behind \`not\` or in a comprehension; it can fail unseen, and then the rule holds; ${insteadText(call)}`,
    );
}

function insteadText(call: string): string {
  const other = SEEN_INSTEAD.get(call) ?? "a built-in that the host serves";
  return `call ${other}, where a failure denies, or, where a failure opens nothing, waive it in the package's METADATA: custom: {fallible_calls: [${call}]}`;
}

/** The parts of a rule of which more holds where something inside has no answer: what is behind `not`, and comprehensions, which leave it out. */
function openedByFailures(node: unknown): readonly unknown[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => openedByFailures(item));
  if (typeof node !== "object" || node === null) return [];
  const isOpened = field(node, "negated") === true || isComprehension(node);
  return isOpened ? [node] : Object.values(node).flatMap((item: unknown) => openedByFailures(item));
}

/** Names of the functions called anywhere inside whose failure nobody sees, as dotted text. */
function calls(node: unknown): readonly string[] {
  return callsIn(node)
    .map(([operator]) => refText(field(operator, "value")))
    .filter((name) => UNSEEN.has(name));
}
