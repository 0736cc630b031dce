/** What an input may lack: what its schema does not require. */
import { DecisionInput, MayReviewInput } from "../../core/policy/schema/input.ts";
import { field, list } from "./ast.ts";

/**
 * Says what the input of a rule always has. NB: of the package that it stands in, not of whoever asks it: a helper of approval belongs into
 * `countersign.approval`, elsewhere it is judged as one of decisions. Of approval's two the larger: a rule that reads `input.reviewer` is none of routing.
 */
export function inputOf([root, area]: readonly string[]): unknown {
  return root === "countersign" && area === "approval" ? MayReviewInput : DecisionInput;
}

/** `parts`: what follows `input`, as terms. How many of them there are up to the last that may be absent; 0 where all are always there. */
export function absentUpTo(parts: readonly unknown[], schema: unknown): number {
  let known = schema;
  let absent = 0;
  for (const [at, part] of parts.entries()) {
    const name = field(part, "type") === "string" ? field(part, "value") : undefined;
    if (typeof name !== "string" || !list(field(known, "required")).includes(name)) absent = at + 1;
    known = typeof name === "string" ? field(field(known, "properties"), name) : undefined;
  }
  return absent;
}

/** As it is written: `input.context.country`, `input.context.incidents[_].scope`. */
export function inputName(parts: readonly unknown[]): string {
  return `input${parts.map(partName).join("")}`;
}

function partName(part: unknown): string {
  const type = field(part, "type");
  if (type === "var") return "[_]";
  return type === "ref" ? "[…]" : `.${String(field(part, "value"))}`;
}

/** Whether who looks up the one has looked up the other. */
export function passes(one: string, other: string): boolean {
  return one === other || one.startsWith(`${other}.`) || one.startsWith(`${other}[`);
}
