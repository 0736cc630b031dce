/**
 * The part of `decision.rego` that joins what packages say, written for the packages that there are: the text in the source goes through
 * all packages whatever their names, which in WebAssembly costs a sixth of an evaluation. It says the same of packages that the build check
 * (check-policies.ts) passed: that each set is one is known then.
 */
import { field, list, packagePath, refText } from "./ast.ts";
import type { ParsedModule } from "./check-policies.ts";

const MARKED = /^# composition begins\n[^]*^# composition ends\n/m;

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
  const [first, second, ...more] = packagePath(ast);
  if (first !== "countersign" || second !== "policies" || more.length !== 1) return false;
  return list(field(ast, "rules")).some((one) => refText(field(field(one, "head"), "ref")).split(".")[0] === rule);
}
