/**
 * The build check: what must hold of packages under `countersign.policies` so that the composition cannot pass over them
 * in silence. Each is exactly one level deep, has at least one of the sets `deny`, `elevate`, `allow`, and each of these
 * is a set. No rule comes among them by a head with dots in another package. And no module-native built-in whose failure nobody sees
 * (core/policy/native-builtins.ts) stands inside `deny` or `elevate`, a rule beside them, or any rule outside the policies (a library that
 * they may call, a denial of one's own in `decision.rego`, a reason why somebody may not review), unless the package's METADATA waives it
 * (`custom.fallible_calls: [to_number]`):
 * a failing call makes a rule undefined, and an undefined deny opens a door. In `allow` it closes one, but for what stands behind `not` or in a
 * comprehension, where no such call may stand either. For the same reason no `not` stands there before
 * something that looks up what may be absent (negated-inputs.ts), unless that is waived, too
 * (`custom.negated_inputs: [input.context.country]`). Also collects `custom.requires`.
 */

import { UNSEEN } from "../../core/policy/native-builtins.ts";
import { DecisionInput, MayReviewInput } from "../../core/policy/schema/input.ts";
import { field, list, packagePath, placeOf, refText, strings } from "./ast.ts";
import { elevationFaults } from "./elevation-terms.ts";
import { type NegatedInput, negatedInputs } from "./negated-inputs.ts";

/** What `opa parse --format json` gives for one file; read as outside data. */
export type ParsedModule = { readonly file: string; readonly ast: unknown };

type PolicyCheck = {
  readonly faults: readonly string[];
  /** Package name → names of required context. */
  readonly requires: { readonly [name: string]: readonly string[] };
};

const SETS = ["deny", "elevate", "allow"];
/** Of the calls that nobody sees fail: what the host serves, and where a failure denies. */
const SEEN_INSTEAD: ReadonlyMap<string, string> = new Map([
  ["to_number", "units.parse"],
  ["json.unmarshal", "yaml.unmarshal"],
  ["net.cidr_contains", "net.cidr_contains_matches"],
]);

export function checkPolicies(modules: readonly ParsedModule[]): PolicyCheck {
  const faults: string[] = [];
  const setsOf = new Map<string, number>();
  const requires: Record<string, string[]> = {};
  for (const { file, ast } of modules) {
    const path = packagePath(ast);
    const custom = packageCustom(ast);
    const waived = new Set(strings(field(custom, "fallible_calls")));
    const waivedInputs = new Set(strings(field(custom, "negated_inputs")));
    const rules = list(field(ast, "rules"));
    const unwaived = (node: unknown) => calls(node).filter((name) => !waived.has(name));
    const unseenWhereItOpens = (rule: unknown, ruleName: string) => {
      for (const call of unwaived(openedByFailures(rule))) faults.push(`${file}: ${openingText(ruleName, call)}`);
    };
    const unseen = (rule: unknown, ruleName: string) => {
      for (const call of unwaived(rule)) faults.push(`${file}: ${unseenText(ruleName, call)}`);
      for (const negated of negatedInputs(rule, rulesOf(path, modules), inputOf(placeOf(ast, rule)))) {
        if (!waivedInputs.has(negated.name)) faults.push(`${file}: ${negatedText(ruleName, negated)}`);
      }
    };
    for (const rule of rules) {
      const place = placeOf(ast, rule);
      const fault = misplaced(path, place);
      if (fault !== undefined) faults.push(`${file}: ${place.join(".")} ${fault}`);
      if (!isPolicy(place)) unseen(rule, refText(field(field(rule, "head"), "ref")));
    }
    if (path[0] !== "countersign" || path[1] !== "policies") continue;
    const name = path.slice(2).join(".");
    if (path.length !== 3) {
      faults.push(`${file}: package countersign.policies.${name} is not exactly one level deep`);
      continue;
    }
    requires[name] = [...(requires[name] ?? []), ...strings(field(custom, "requires"))];
    let sets = setsOf.get(name) ?? 0;
    for (const rule of rules) {
      const head = field(rule, "head");
      const ruleName = refText(field(head, "ref"));
      const [first = ""] = ruleName.split(".");
      if (SETS.includes(first)) {
        sets++;
        if (first !== ruleName || field(head, "key") === undefined || field(head, "value") !== undefined)
          faults.push(`${file}: ${ruleName} must be a set (write: ${first} contains … if …)`);
      }
      if (first === "elevate") faults.push(...elevationFaults(rule).map((fault) => `${file}: ${fault}`));
      if (first === "allow") unseenWhereItOpens(rule, ruleName);
      else if (first !== "response") unseen(rule, ruleName);
    }
    setsOf.set(name, sets);
  }
  for (const [name, sets] of setsOf) {
    if (sets === 0) faults.push(`package countersign.policies.${name} has none of ${SETS.join(", ")}`);
  }
  const needed = Object.entries(requires).filter(([, names]) => names.length > 0);
  return {
    faults: [...new Set(faults)],
    requires: Object.fromEntries(needed.map(([name, names]) => [name, [...new Set(names)].sort()])),
  };
}

/** NB: a rule is where its package and its head say together: `policies.freeze.deny` in `package countersign` is no package's that we look at. */
function misplaced(path: readonly string[], [root, area]: readonly string[]): string | undefined {
  if (root !== "countersign") return undefined;
  if (area === "requires")
    return "hides what the build writes there; say it in the package's METADATA: custom: {requires: […]}";
  return area === "policies" && path.length === 1
    ? "is not in a package of its own (write: package countersign.policies.NAME)"
    : undefined;
}

/** Elsewhere every rule counts as a denial: it may be asked by one or, in `decision.rego` and in approval, be one. */
function isPolicy([root, area]: readonly string[]): boolean {
  return root === "countersign" && area === "policies";
}

/**
 * Says what the input of a rule always has. NB: of the package that it stands in, not of whoever asks it: a helper of approval belongs into
 * `countersign.approval`, elsewhere it is judged as one of decisions. Of approval's two the larger: a rule that reads `input.reviewer` is none of routing.
 */
function inputOf([root, area]: readonly string[]): unknown {
  return root === "countersign" && area === "approval" ? MayReviewInput : DecisionInput;
}

/** All rules of a package, whatever file they stand in. */
function rulesOf(path: readonly string[], modules: readonly ParsedModule[]): readonly unknown[] {
  const name = path.join(".");
  return modules.flatMap(({ ast }) => (packagePath(ast).join(".") === name ? list(field(ast, "rules")) : []));
}

function unseenText(ruleName: string, call: string): string {
  return `${ruleName} calls ${call}, which can fail unseen and leave the rule undefined; ${insteadText(call)}`;
}

function openingText(ruleName: string, call: string): string {
  return `${ruleName} has ${call} behind \`not\` or in a comprehension; it can fail unseen, and then the rule holds; ${insteadText(call)}`;
}

function insteadText(call: string): string {
  const other = SEEN_INSTEAD.get(call) ?? "a built-in that the host serves";
  return `call ${other}, where a failure denies, or, where a failure opens nothing, waive it in the package's METADATA: custom: {fallible_calls: [${call}]}`;
}

function negatedText(ruleName: string, { name, call }: NegatedInput): string {
  return `${ruleName} has \`not\` before ${call} of ${name}, which may be absent: OPA looks it up before the \`not\`, and where it is absent the rule ends there, so what should be denied is not. Say it in a rule of its own (_trusted if … ${name} …) and write \`not _trusted\`; or, where it is never absent, waive it in the package's METADATA: custom: {negated_inputs: [${name}]}`;
}

/** Whether there is a rule `candidates` in package `countersign`: then searches are answered. */
export function exposesCandidates(modules: readonly ParsedModule[]): boolean {
  return modules.some(
    ({ ast }) =>
      packagePath(ast).join(".") === "countersign" &&
      list(field(ast, "rules")).some((rule) => refText(field(field(rule, "head"), "ref")) === "candidates"),
  );
}

function packageCustom(ast: unknown): unknown {
  const own = [...list(field(ast, "annotations")), ...list(field(field(ast, "package"), "annotations"))];
  return field(
    own.find((annotation) => field(annotation, "scope") === "package"),
    "custom",
  );
}

/** The parts of a rule of which more holds where something inside has no answer: what is behind `not`, and comprehensions, which leave it out. */
function openedByFailures(node: unknown): readonly unknown[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => openedByFailures(item));
  if (typeof node !== "object" || node === null) return [];
  const type = field(node, "type");
  const isOpened = field(node, "negated") === true || (typeof type === "string" && type.endsWith("comprehension"));
  return isOpened ? [node] : Object.values(node).flatMap((item: unknown) => openedByFailures(item));
}

/** Names of the functions called anywhere inside whose failure nobody sees, as dotted text. */
function calls(node: unknown): readonly string[] {
  if (Array.isArray(node)) return node.flatMap((item: unknown) => calls(item));
  if (typeof node !== "object" || node === null) return [];
  const terms = field(node, "type") === "call" ? field(node, "value") : field(node, "terms");
  const name = Array.isArray(terms) ? refText(field(terms[0], "value")) : "";
  return [...(UNSEEN.has(name) ? [name] : []), ...Object.values(node).flatMap((item: unknown) => calls(item))];
}
