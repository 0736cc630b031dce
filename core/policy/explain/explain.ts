/**
 * Why a policy gave its result for one input: which of the author's rules fired, and for each of the others the condition that stopped it, with
 * the values in the input, down through the rules that the condition depends on. OPA itself evaluates the policy's source again, without the
 * shortcuts (index, early exit) by which it would skip rules, and its trace is read. OPA's own decision is shown too: if a bundle decides
 * differently, it was not built from this source, and the explanation is not about that bundle.
 *
 * Not shown: whether conditions after the first failing one would have held, since OPA did not evaluate them.
 */
import { AppError } from "../../domain/app-error.ts";
import { type Condition, type Place, type SourceRule, sourceRules } from "./source-rules.ts";
import { type Attempt, attemptsOf } from "./trace.ts";

export type Explanation = {
  /** What was asked as OPA writes it; undefined when it is undefined. */
  readonly decision: unknown;
  readonly rules: readonly RuleExplanation[];
};

export type RuleExplanation = {
  readonly rule: SourceRule;
  readonly fired: boolean;
  /** Undefined when it fired. */
  readonly kept: Kept | undefined;
};

/** What kept a rule from firing. */
type Kept = {
  readonly place: Place;
  readonly text: string;
  /** The condition says `not`: it failed because what it denies held. */
  readonly negated: boolean;
  /** Path in the input → what is there; undefined: nothing. And the rule's own variables. */
  readonly values: ReadonlyMap<string, unknown>;
  /** The rules that the condition rests on, none of which held. */
  readonly because: readonly RuleExplanation[];
  /** Conditions of the same rule that were not asked any more. */
  readonly unasked: number;
};

type ExplainDeps = {
  /** Runs OPA and gives what it wrote to its standard output; rejects with its message when it fails. */
  readonly opa: (...args: readonly string[]) => Promise<string>;
};

type ExplainSource = {
  /** Rego files, without tests: read by OPA as they are. */
  readonly files: readonly string[];
  /** JSON files of base data (a bundle's data.json). */
  readonly dataFiles: readonly string[];
  readonly inputFile: string;
  /** What `time.now_ns` says, as it did for the bundle. */
  readonly nowNs: bigint;
  /** Where a policy of opa-envoy-plugin is asked; undefined: the policies are ours. */
  readonly compatPath?: string | undefined;
};

/** What OPA is asked, term by term, and whose rules are told. */
type Question = { readonly terms: readonly string[]; readonly tells: (rule: SourceRule) => boolean };

const SETS = new Set(["deny", "elevate", "allow", "response"]);

/** The decision first: what it asks is told where it was asked, before everything else is. */
const NATIVE: Question = {
  terms: ["decision = data.countersign.decision", "policies = data.countersign.policies"],
  tells: ({ package: name, name: rule }) =>
    name.startsWith("countersign.policies.") && SETS.has(rule.split(".")[0] ?? ""),
};

/** All rules of the package that the path leads to: one that fired may only pass on what another one says. */
function compatQuestion(path: string): Question {
  const parts = path.split("/").filter((part) => part !== "");
  const at = parts.join(".");
  const terms = parts.map((part) => (/^-?\d+$/.test(part) ? `[${Number(part)}]` : `[${JSON.stringify(part)}]`));
  return {
    terms: [`decision = data${terms.join("")}`],
    tells: ({ package: name }) => `${at}.`.startsWith(`${name}.`) || name.startsWith(`${at}.`),
  };
}

/** @throws AppError invalid_argument when what OPA writes is not understood; whatever `opa` rejects with */
export async function explain({ opa }: ExplainDeps, source: ExplainSource): Promise<Explanation> {
  const { terms, tells } = source.compatPath === undefined ? NATIVE : compatQuestion(source.compatPath);
  const rules = await readRules({ opa }, source.files);
  const query = terms.map((term) => `${term} with time.now_ns as ${source.nowNs}`).join("; ");
  const output = await opa(
    ...["eval", "--format", "json", "--explain", "full", "--disable-indexing", "--disable-early-exit"],
    ...[...source.files, ...source.dataFiles].flatMap((file) => ["--data", file]),
    ...["--input", source.inputFile, query],
  );
  const input: unknown = JSON.parse(await opa("eval", "--format", "raw", "--input", source.inputFile, "input"));
  const parsed: unknown = JSON.parse(output);
  const attempts = attemptsOf(at(parsed, ["explanation"]));
  return {
    decision: at(parsed, ["result", "0", "bindings", "decision"]),
    rules: authorsRules(rules, tells, attempts).map((attempt) => explained(attempt, rules, input)),
  };
}

type Rules = ReadonlyMap<string, SourceRule>;

async function readRules({ opa }: ExplainDeps, files: readonly string[]): Promise<Rules> {
  const rules = new Map<string, SourceRule>();
  for (const file of files) {
    const ast: unknown = JSON.parse(await opa("parse", "--format", "json", "--json-include", "locations", file));
    for (const rule of sourceRules(file, ast)) rules.set(keyOf(rule.place), rule);
  }
  return rules;
}

/** In the order of the source; a rule may have been tried once for each use. */
function authorsRules(rules: Rules, tells: Question["tells"], attempts: readonly Attempt[]): readonly Attempt[] {
  const byRule = new Map<string, Attempt>();
  for (const attempt of attempts) {
    const rule = rules.get(keyOf(attempt.place));
    if (rule === undefined || !tells(rule)) continue;
    const key = keyOf(attempt.place);
    if (byRule.get(key)?.held !== true) byRule.set(key, attempt);
  }
  const order = [...rules.keys()];
  return [...byRule].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other)).map(([, attempt]) => attempt);
}

function explained(attempt: Attempt, rules: Rules, input: unknown): RuleExplanation {
  const rule = rules.get(keyOf(attempt.place));
  if (rule === undefined)
    throw new AppError("invalid_argument", "OPA's trace names a rule that the source does not have");
  const { ended } = attempt;
  if (ended === undefined) return { rule, fired: attempt.held, kept: undefined };
  const number = rule.conditions.findLastIndex(({ place }) => !isBefore(ended.place, place));
  const condition: Condition = rule.conditions[number] ?? { place: rule.place, text: rule.head, inputs: [] };
  const values = new Map<string, unknown>(ended.variables);
  for (const path of condition.inputs) values.set(["input", ...path].join("."), at(input, path));
  const because = ended.because.filter(({ place }) => rules.has(keyOf(place)));
  return {
    rule,
    fired: false,
    kept: {
      place: condition.place,
      text: condition.text,
      negated: ended.negated,
      values,
      because: because.map((one) => explained(one, rules, input)),
      unasked: number === -1 ? 0 : rule.conditions.length - number - 1,
    },
  };
}

function isBefore(one: Place, other: Place): boolean {
  return one.row < other.row || (one.row === other.row && one.col < other.col);
}

function keyOf({ file, row, col }: Place): string {
  return `${file}:${row}:${col}`;
}

/** NB: own members only; a policy's input may name `__proto__`. */
function at(value: unknown, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = Reflect.get(found, name);
  }
  return found;
}
