/** From the value of the optional entrypoint `candidates` to the candidates of a search. What is not understood is a fault, and finds nothing. */
import { Compile } from "typebox/compile";
import type { PolicyFault } from "../domain/decision.ts";
import type { Action, Entity, Stated } from "../domain/question.ts";
import type { Json } from "../domain/subject.ts";
import { schemaFault } from "./decision-result.ts";
import { plainOf } from "./rego-value/plain.ts";
import type { RegoValue } from "./rego-value/value.ts";
import { CandidatesResult } from "./schema/result.ts";

export type CandidateSets =
  | {
      readonly kind: "candidates";
      readonly subjects: readonly Entity[];
      readonly actions: readonly Action[];
      readonly resources: readonly Entity[];
    }
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly reason: PolicyFault; readonly detail: string };

const schema = Compile(CandidatesResult);

/** Never throws. */
export function candidatesOf(value: RegoValue | undefined): CandidateSets {
  const fault = (detail: string) => ({ kind: "fault", reason: "policy_result_invalid", detail }) as const;
  if (value === undefined) return fault("candidates is undefined");
  try {
    const result = plainOf(value);
    if (!schema.Check(result)) return fault(schemaFault(schema.Errors(result)));
    const entity = ({ type, id, properties }: { type: string; id: string; properties?: unknown }) => ({
      type,
      id,
      properties: stated(properties),
    });
    return {
      kind: "candidates",
      subjects: (result.subjects ?? []).map(entity),
      actions: (result.actions ?? []).map(({ name, properties }) => ({ name, properties: stated(properties) })),
      resources: (result.resources ?? []).map(entity),
    };
  } catch {
    return fault("candidates is not readable");
  }
}

/** NB: the schema has seen that it is an object, and the policy engine makes only JSON. */
function stated(value: unknown): Stated {
  return isStated(value) ? value : {};
}

function isStated(value: unknown): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
