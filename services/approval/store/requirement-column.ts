/** Parses a requirement from the form in which `requirementParts` writes it: it is stored, digested and shown alike. */
import { Type } from "typebox";
import { Value } from "typebox/value";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Requirement } from "../../../core/domain/requirement.ts";

const closed = { additionalProperties: false } as const;
const Group = Type.Object({ group: Type.String(), realm: Type.String() }, closed);
const Person = Type.Object({ person: Type.String(), realm: Type.String() }, closed);
const AllOf = Type.Object({ all_of: Type.Array(Type.Unknown()) }, closed);
const AnyOf = Type.Object({ any_of: Type.Array(Type.Unknown()) }, closed);
const Stages = Type.Object({ stages: Type.Array(Type.Unknown()) }, closed);
const NOf = Type.Object({ n_of: Type.Object({ n: Type.Integer(), of: Type.Array(Type.Unknown()) }, closed) }, closed);

/** Deeper than any accepted tree; ends a malformed one. */
const MAX_DEPTH = 16;

/** @throws AppError invalid_record */
export function requirementFromColumn(node: unknown, depth = 1): Requirement {
  const children = (list: readonly unknown[]) => list.map((child) => requirementFromColumn(child, depth + 1));
  if (depth > MAX_DEPTH) throw new AppError("invalid_record", "a stored requirement is too deep");
  if (Value.Check(Group, node))
    return { kind: "one_from", set: { kind: "group", realm: node.realm, group: node.group } };
  if (Value.Check(Person, node)) {
    return { kind: "one_from", set: { kind: "person", person: { realm: node.realm, id: node.person } } };
  }
  if (Value.Check(AllOf, node)) return { kind: "all_of", of: children(node.all_of) };
  if (Value.Check(AnyOf, node)) return { kind: "any_of", of: children(node.any_of) };
  if (Value.Check(Stages, node)) return { kind: "stages", of: children(node.stages) };
  if (Value.Check(NOf, node)) return { kind: "n_of", n: node.n_of.n, of: children(node.n_of.of) };
  throw new AppError("invalid_record", "a stored requirement is malformed");
}
