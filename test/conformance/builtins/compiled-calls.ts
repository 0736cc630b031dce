/**
 * Every built-in that OPA compiles into a module, and what Rego itself does with values, as functions of Rego that both sides call: OPA all
 * of them at once, by its evaluator, the module one by one.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { field, list } from "../../../scripts/bundle/ast.ts";
import { ODD_VALUES } from "./odd-values.ts";
import { readBy, triplesFor } from "./read-values.ts";

export const CAPABILITIES = path.resolve(import.meta.dirname, "../../../rego/capabilities.json");

export type Call = {
  readonly name: string;
  /** Of the rule and entrypoint. */
  readonly key: string;
  readonly operands: number;
  readonly text: (given: readonly string[]) => string;
};

/** Written by the compiler, or nothing that could be compared. */
const PASSED_OVER =
  /^(?:assign|eq|print|trace|internal\.(?:print|test_case)|rego\..*|opa\.runtime|http\.send|time\.now_ns|rand\..*|uuid\..*|net\.lookup.*)$/;

const WRITTEN: Readonly<Record<string, (given: readonly string[]) => string>> = {
  "internal.member_2": ([a, b]) => `(${a} in ${b})`,
  "internal.member_3": ([a, b, c]) => `(${a}, ${b} in ${c})`,
  "internal.template_string": ([a]) => `$"a {${a}}"`,
};
const SYNTAX: readonly (readonly [name: string, operands: number, text: Call["text"]])[] = [
  ["array[index]", 2, ([a, b]) => `${a}[${b}]`],
  ["a == b", 2, ([a, b]) => `(${a} == ${b})`],
  ["{a, b}", 2, ([a, b]) => `{${a}, ${b}}`],
  ["{a: 1, b: 2}", 2, ([a, b]) => `{${a}: 1, ${b}: 2}`],
  ["some … in", 1, ([a]) => `[[k, v] | some k, v in ${a}]`],
  [
    "some … in some … in",
    2,
    ([a, b]) =>
      `[[k, [v | some v in x], [[x], k]] | some k, x in ${a}; [x] != [${b}]; some y in ${b}; {[y]} != {[v | some v in ${a}]}]`,
  ],
  ['$"{a}{b}"', 2, ([a, b]) => `$"{${a}}{${b}}"`],
  ["[… | walk]", 1, ([a]) => `[found | walk(${a}, found)]`],
];

/** All that a policy may call, or only old ones; the host is asked for some. `deprecated`: those that Rego v1 refuses. */
export async function declaredCalls(deprecated: boolean): Promise<readonly Call[]> {
  const capabilities: unknown = JSON.parse(await readFile(CAPABILITIES, "utf8"));
  const builtins = list(field(capabilities, "builtins")).filter(
    (one) => (field(one, "deprecated") === true) === deprecated,
  );
  const calls = builtins.map((builtin): Omit<Call, "key"> => {
    const name = String(field(builtin, "name"));
    const isRelation = field(builtin, "relation") === true;
    const usual = (given: readonly string[]) =>
      isRelation ? `{found | ${name}(${given.join(", ")}, found)}` : `${name}(${given.join(", ")})`;
    return { name, operands: list(field(field(builtin, "decl"), "args")).length, text: WRITTEN[name] ?? usual };
  });
  const syntax = (deprecated ? [] : SYNTAX).map(([name, operands, text]) => ({ name, operands, text }));
  return [...calls.filter(({ name }) => !PASSED_OVER.test(name)), ...syntax].map((call, at) => ({
    ...call,
    key: `f${at}`,
  }));
}

const SAMPLES = 250;

/** All that there is of one argument; of more, mixtures of what they read and a sample of everything, always the same. */
export function argumentsOf({ name, operands }: Call): readonly (readonly string[])[] {
  const own = readBy(name);
  const all = [...ODD_VALUES, ...own];
  if (operands === 1) return all.map((value) => [value]);
  const mixed = operands === 2 ? own.flatMap((a) => own.map((b) => [a, b])) : triplesFor(name);
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return all[Math.floor((state / 2 ** 32) * all.length)] ?? "null";
  };
  const sampled = Array.from({ length: SAMPLES }, () => Array.from({ length: operands }, next));
  return [...mixed, ...sampled].filter((given) => isAffordable(name, given));
}

/** OPA makes whatever it is asked for, and breaks off where a machine's integer overflows. */
function isAffordable(name: string, [a = "", b = "", c = ""]: readonly string[]): boolean {
  const [first, second, third] = [a, b, c].map(Number);
  if (name === "numbers.range") return !(Math.abs(Number(first) - Number(second)) > 500);
  if (name === "bits.lsh") return !(Number(second) > 3_000);
  return name !== "substring" || !(Number(second) > 0 && Number(third) >= 2 ** 62);
}

/** `if` and `in` are also for Rego v0, of which old built-ins are. */
const HEAD = "package calls\n\nimport future.keywords";

/** With a rule for each, which takes what it is given from the input. */
export function moduleOf(calls: readonly Call[]): string {
  const rules = calls.map(({ key, operands, text }) => {
    const given = Array.from({ length: operands }, (_, at) => `input.given[${at}]`);
    return `${key} := v if v := ${text(given)}`;
  });
  return [HEAD, ...rules].join("\n\n");
}

/** One rule, `said`: to each key its answers as [place, text]. NB: the values come out of a function, so that no type is known of them. */
export function everythingAsked(asked: ReadonlyMap<Call, readonly (readonly string[])[]>): string {
  const places = new Map<string, number>();
  const placeOf = (value: string): number => {
    const place = places.get(value) ?? places.size;
    places.set(value, place);
    return place;
  };
  const rules = [...asked].map(([{ key, operands, text }, given]) => {
    const indices = JSON.stringify(given.map((values) => values.map(placeOf)));
    const values = Array.from({ length: operands }, (_, at) => `everything[places[${at}]]`);
    return `said["${key}"] := answers if {
	answers := [[at, sprintf("%v", [[v]])] | places := ${indices}[at]; everything := values(1); v := ${text(values)}]
}`;
  });
  return [`${HEAD}\n\nvalues(one) := [${[...places.keys()].join(", ")}] if one == 1`, ...rules].join("\n\n");
}
