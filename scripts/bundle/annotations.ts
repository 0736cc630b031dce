/**
 * What packages say to the build in their METADATA, under `custom`. What is written there and not read is a fault, since who wrote it relies on it:
 * a requirement that is none, or that stands on a rule, leaves a policy that decides without knowing what it said it must know. So the three
 * keys are read where they stand on a package, as lists of texts, and nowhere else; and no key that is none of them stands in a package of ours,
 * unless it begins with `x-` and so is another tool's.
 */
import { DecisionInput } from "../../core/policy/schema/input.ts";
import { field, list, packagePath, type ParsedModule, strings } from "./ast.ts";
import { isPolicy } from "./places.ts";

export type Annotations = {
  readonly faults: readonly string[];
  /** Names of context. */
  readonly requires: readonly string[];
  readonly fallibleCalls: ReadonlySet<string>;
  readonly negatedInputs: ReadonlySet<string>;
};

/** With what is written there, for an example. */
const EXAMPLES: ReadonlyMap<string, string> = new Map([
  ["requires", "incidents"],
  ["fallible_calls", "to_number"],
  ["negated_inputs", "input.context.country"],
]);
const CONTEXT = Object.keys(DecisionInput.properties.context.properties);

export function annotationsOf({ file, ast }: ParsedModule): Annotations {
  const path = packagePath(ast);
  const all = [...list(field(ast, "annotations")), ...list(field(field(ast, "package"), "annotations"))];
  const said = all.flatMap((annotation) =>
    entriesOf(field(annotation, "custom")).map(([key, value]) => ({
      ...{ key, value, scope: String(field(annotation, "scope")) },
      at: lineOf(file, annotation),
    })),
  );
  const listed = (name: string) =>
    said.flatMap(({ key, value, scope }) => (key === name && scope === "package" ? strings(value) : []));
  return {
    faults: said.flatMap((one) => faultsOf(one, path).map((fault) => `${one.at}: ${fault}`)),
    requires: isPolicy(path) ? listed("requires") : [],
    fallibleCalls: new Set(listed("fallible_calls")),
    negatedInputs: new Set(listed("negated_inputs")),
  };
}

type Said = { readonly key: string; readonly value: unknown; readonly scope: string };

function faultsOf({ key, value, scope }: Said, path: readonly string[]): readonly string[] {
  const example = EXAMPLES.get(key);
  if (example === undefined) {
    return path[0] !== "countersign" || key.startsWith("x-")
      ? []
      : [
          `custom.${key} is read by nobody: custom has ${[...EXAMPLES.keys()].join(", ")}; call a key of another tool x-${key}, or take it out`,
        ];
  }
  const onPackage = `write it above \`package ${path.join(".")}\`, with \`scope: package\``;
  if (scope !== "package") return [`custom.${key} is not read with \`scope: ${scope}\`; ${onPackage}`];
  if (!Array.isArray(value) || strings(value).length < value.length)
    return [
      `custom.${key} must be a list of texts, and not ${JSON.stringify(value)}; write: custom: {${key}: [${typeof value === "string" ? value : example}]}`,
    ];
  if (key !== "requires") return [];
  if (!isPolicy(path))
    return [
      `custom.requires is read only of a policy, and ${path.join(".")} is none; write it in the package below countersign.policies that cannot decide without ${strings(value).join(", ")}`,
    ];
  return strings(value)
    .filter((name) => !CONTEXT.includes(name))
    .map(
      (name) =>
        `custom.requires names ${JSON.stringify(name)}, which input.context never has; it has ${CONTEXT.join(", ")}`,
    );
}

function entriesOf(custom: unknown): readonly (readonly [string, unknown])[] {
  return typeof custom === "object" && custom !== null ? Object.entries(custom) : [];
}

/** `file:line`, where the syntax tree has the lines of annotations. */
function lineOf(file: string, annotation: unknown): string {
  const row = field(field(annotation, "location"), "row");
  return typeof row === "number" ? `${file}:${row}` : file;
}
