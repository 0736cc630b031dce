/**
 * The build check: what must hold of packages under `countersign.policies` so that the composition cannot pass over them
 * in silence. Each is exactly one level deep, has at least one of the sets `deny`, `elevate`, `allow`, and each of these
 * is a set. No rule comes among them by a head with dots in another package. And no module-native built-in whose failure nobody sees
 * (unseen-calls.ts) stands inside `deny` or `elevate`, a rule beside them, or any rule outside the policies (a library that
 * they may call, a denial of one's own in `decision.rego`, a reason why somebody may not review), unless the package's METADATA waives it
 * (`custom.fallible_calls: [to_number]`). In `allow` none may stand where its failure opens. For the same reason no `not` stands there before
 * something that looks up what may be absent (negated-inputs.ts), and none where it opens because something is (opened-by-absence.ts), unless
 * that is waived, too (`custom.negated_inputs: [input.context.country]`). Also collects `custom.requires` (annotations.ts).
 */
import { type Annotations, annotationsOf } from "./annotations.ts";
import { field, list, packagePath, type ParsedModule, placeOf, refText } from "./ast.ts";
import { askedBehindNot } from "./asked-behind-not.ts";
import { elevationFaults } from "./elevation-terms.ts";
import { type NegatedInput, negatedInputs } from "./negated-inputs.ts";
import { openedByAbsence } from "./opened-by-absence.ts";
import { isPolicy, type PlacedRule, placedRules, rulesIn, SETS } from "./places.ts";
import { openingCalls, unseenCalls } from "./unseen-calls.ts";

type PolicyCheck = {
  readonly faults: readonly string[];
  /** Package name → names of required context. */
  readonly requires: { readonly [name: string]: readonly string[] };
};

export function checkPolicies(modules: readonly ParsedModule[]): PolicyCheck {
  const faults: string[] = [];
  const setsOf = new Map<string, number>();
  const all = modules.map((module) => ({ ...module, said: annotationsOf(module), rules: placedRules([module]) }));
  const absence = absenceIn(
    all.flatMap(({ rules }) => rules),
    new Set(all.flatMap(({ said }) => said.requires)),
  );
  for (const { file, ast, said, rules } of all) {
    const path = packagePath(ast);
    const fault = (text: string) => void faults.push(`${file}: ${text}`);
    faults.push(...said.faults);
    for (const placed of rules) {
      const place = placeOf(ast, placed.rule);
      const wrong = misplaced(path, place);
      if (wrong !== undefined) fault(`${place.join(".")} ${wrong}`);
      // NB: elsewhere every rule counts as a denial: it may be asked by one or, in `decision.rego` and in approval, be one.
      if (!isPolicy(place)) for (const text of unseen(placed, said, absence)) fault(text);
    }
    if (!isPolicy(path)) continue;
    const name = path.slice(2).join(".");
    if (path.length !== 3) {
      fault(`package countersign.policies.${name} is not exactly one level deep`);
      continue;
    }
    let sets = setsOf.get(name) ?? 0;
    for (const placed of rules) {
      const head = field(placed.rule, "head");
      const ruleName = refText(field(head, "ref"));
      const [first = ""] = ruleName.split(".");
      if (SETS.includes(first)) {
        sets++;
        if (first !== ruleName || field(head, "key") === undefined || field(head, "value") !== undefined)
          fault(`${ruleName} must be a set (write: ${first} contains … if …)`);
        for (const text of absence.opened(placed, said, first)) fault(text);
      }
      if (first === "elevate") for (const text of elevationFaults(placed.rule)) fault(text);
      if (first === "allow") for (const text of openingCalls(placed.rule, ruleName, said.fallibleCalls)) fault(text);
      else if (first !== "response") for (const text of unseen(placed, said, absence)) fault(text);
    }
    setsOf.set(name, sets);
  }
  for (const [name, sets] of setsOf) {
    if (sets === 0) faults.push(`package countersign.policies.${name} has none of ${SETS.join(", ")}`);
  }
  return { faults: [...new Set(faults)], requires: requiresOf(all) };
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

type Absence = {
  /** `not` before what may be absent, where that ends a rule. */
  readonly negated: (rule: PlacedRule, said: Annotations) => readonly string[];
  /** `not` that opens where something is absent; of one of the sets. */
  readonly opened: (rule: PlacedRule, said: Annotations, set: string) => readonly string[];
};

function absenceIn(rules: readonly PlacedRule[], required: ReadonlySet<string>): Absence {
  const rulesAt = rulesIn(rules);
  const opened = openedByAbsence(rules, rulesAt, required);
  const behindNot = askedBehindNot(rules, rulesAt);
  const nameOf = ({ rule }: PlacedRule) => refText(field(field(rule, "head"), "ref"));
  return {
    negated: (rule, { negatedInputs: waived }) =>
      negatedInputs(rule, rulesAt)
        .filter(({ name, kind }) => !waived.has(name) && (kind === "negated" || !behindNot.has(rule)))
        .map((one) => negatedText(nameOf(rule), one)),
    opened: (rule, { negatedInputs: waived }, set) =>
      opened(rule, set)
        .filter(({ name }) => !waived.has(name))
        .map(({ name, negated }) => openedText(set, name, negated)),
  };
}

function unseen(placed: PlacedRule, said: Annotations, absence: Absence): readonly string[] {
  const ruleName = refText(field(field(placed.rule, "head"), "ref"));
  return [...unseenCalls(placed.rule, ruleName, said.fallibleCalls), ...absence.negated(placed, said)];
}

function negatedText(ruleName: string, { kind, name, call }: NegatedInput): string {
  const texts = {
    negated: `has \`not\` before ${call} of ${name}, which may be absent: OPA looks it up before the \`not\`, and where it is absent the rule ends there`,
    handed: `hands ${name} to ${call}, which has \`not\` before it, and it may be absent: where it is, the rule ends before ${call} is asked`,
    asked: `asks ${call}, which has \`not\` before ${name}, and that may be absent: where it is, ${call} ends before the \`not\``,
  };
  return `${ruleName} ${texts[kind]}, so what should be denied is not. Say it in a rule of its own (_trusted if … ${name} …) and write \`not _trusted\`; or, where it is never absent, waive it in the package's METADATA: custom: {negated_inputs: [${name}]}`;
}

function openedText(set: string, name: string, negated: string): string {
  const [, area, part] = name.split(".");
  const required = area === "context" && part !== undefined && name === `input.context.${part}`;
  const require = required
    ? `; or, where nothing may be decided without it, require it: custom: {requires: [${part}]}`
    : "";
  const effect = set === "allow" ? "allow holds" : `${set} does not hold`;
  return `${effect} where ${name} is absent, because of \`not\` before ${negated}. Test for what is trusted (_trusted if … ${name} …), without \`not\` in allow and with it in deny and elevate${require}; or, where its absence opens nothing, waive it in the package's METADATA: custom: {negated_inputs: [${name}]}`;
}

function requiresOf(all: readonly { readonly ast: unknown; readonly said: Annotations }[]): PolicyCheck["requires"] {
  const names = Map.groupBy(all, ({ ast }) => packagePath(ast).slice(2).join("."));
  const needed = [...names].map(([name, modules]) => {
    const required = modules.flatMap(({ said }) => said.requires);
    return [name, [...new Set(required)].sort()] as const;
  });
  return Object.fromEntries(needed.filter(([, required]) => required.length > 0));
}

/** Whether there is anything at `data.countersign.candidates`, in one rule or in parts: then searches are answered. */
export function exposesCandidates(modules: readonly ParsedModule[]): boolean {
  return modules.some(({ ast }) =>
    list(field(ast, "rules")).some((rule) => placeOf(ast, rule).slice(0, 2).join(".") === "countersign.candidates"),
  );
}
