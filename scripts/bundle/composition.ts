/**
 * The part of `decision.rego` that joins what packages say, written for the packages that there are: the text in the source goes through
 * all packages whatever their names, which in WebAssembly costs a sixth of an evaluation. It says the same of packages that the build check
 * (check-policies.ts) passed: that each set is one is known then.
 */
import { createHash } from "node:crypto";
import { field, list, packagePath, type ParsedModule, refText } from "./ast.ts";
import { isPolicy } from "./places.ts";

const MARKED = /^# composition begins\n[^]*^# composition ends\n/m;

/** Of what stands between the marks in our own source, without comments and empty lines. */
const REPLACED = "34b619e921c69134f0b38a8f968164a90b1b33397562806c316a3dbe07bf1bbe";

/** NB: a rule that somebody wrote between the marks would be replaced with the rest, and a denial among them never asked for. */
export function compositionFault(text: string): string | undefined {
  const [marked] = MARKED.exec(text) ?? [];
  if (marked === undefined) return undefined;
  const lines = marked.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return createHash("sha256").update(lines.join("\n")).digest("hex") === REPLACED
    ? undefined
    : "decision.rego: what stands between the marks of the composition is not what the build replaces; write rules of your own below the marks, or take the marks out to have all of it compiled as it stands";
}

/** A text without the two marks stays as it is. */
export function withComposition(text: string, modules: readonly ParsedModule[]): string {
  // NB: by a function: names of packages are not to be read as patterns of a replacement.
  return text.replace(MARKED, () => compositionOf(modules));
}

function compositionOf(modules: readonly ParsedModule[]): string {
  const named = (rule: string) =>
    [...new Set(modules.flatMap((module) => (says(module, rule) ? [name(module)] : [])))].sort();
  const each = (joined: string, rule: string, ruleOf: (said: string) => string) => {
    const rules = named(rule).map(
      (one) => `${joined} contains ${ruleOf(`data.countersign.policies[${JSON.stringify(one)}].${rule}`)}`,
    );
    return rules.length > 0 ? rules : [`${joined} := set()`];
  };
  return [
    ...each("_denials", "deny", (said) => `reason if some reason in ${said}`),
    ...each("_allowances", "allow", (said) => `reason if some reason in ${said}`),
    ...each("_elevations", "elevate", (said) => `elevation if some elevation in ${said}`),
    ...each("_responses", "response", (said) => said),
    "_malformed := set()",
    "",
  ].join("\n\n");
}

function name({ ast }: ParsedModule): string {
  return packagePath(ast)[2] ?? "";
}

function says({ ast }: ParsedModule, rule: string): boolean {
  const path = packagePath(ast);
  if (!isPolicy(path) || path.length !== 3) return false;
  return list(field(ast, "rules")).some((one) => refText(field(field(one, "head"), "ref")).split(".")[0] === rule);
}
