/**
 * A query as the rules need to see it: of selections that are alike to the letter, in one set, the first. It asks for the same, and the
 * rule that compares each field with each of its name would give up at some hundred of them, which is no answer.
 */
import { type DefinitionNode, type DocumentNode, Kind, type SelectionNode, type SelectionSetNode } from "graphql";

export function withDistinctSelections(document: DocumentNode): DocumentNode {
  const ids = new Map<string, number>();
  const idOf = (text: string): number => {
    const id = ids.get(text) ?? ids.size;
    ids.set(text, id);
    return id;
  };
  const distinct = ({
    kind,
    selections,
  }: SelectionSetNode): { readonly set: SelectionSetNode; readonly id: number } => {
    const kept = new Map<number, SelectionNode>();
    const keep = (text: string, one: SelectionNode): void => {
      const id = idOf(text);
      if (!kept.has(id)) kept.set(id, one);
    };
    for (const one of selections) {
      if (one.kind === Kind.FRAGMENT_SPREAD || !one.selectionSet) keep(JSON.stringify(one), one);
      else {
        const { set, id } = distinct(one.selectionSet);
        keep(JSON.stringify({ ...one, selectionSet: id }), { ...one, selectionSet: set });
      }
    }
    return { set: { kind, selections: [...kept.values()] }, id: idOf(JSON.stringify([...kept.keys()])) };
  };
  const definitions = document.definitions.map(
    (one): DefinitionNode => ("selectionSet" in one ? { ...one, selectionSet: distinct(one.selectionSet).set } : one),
  );
  return { ...document, definitions };
}

/** How many pairs of fields of one name, and of spreads of fragments, can be compared with each other. */
export function pairsToCompare({ definitions }: DocumentNode): number {
  const counts = new Map<string, number>();
  let pairs = 0;
  const count = ({ selections }: SelectionSetNode): void => {
    for (const one of selections) {
      const name = one.kind === Kind.FIELD ? (one.alias ?? one.name).value : one.kind;
      const before = counts.get(name) ?? 0;
      counts.set(name, before + 1);
      pairs += before;
      if (one.kind !== Kind.FRAGMENT_SPREAD && one.selectionSet) count(one.selectionSet);
    }
  };
  for (const one of definitions) if ("selectionSet" in one) count(one.selectionSet);
  return pairs;
}
