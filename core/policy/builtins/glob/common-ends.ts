/** `{ab*,ac*}` → `a{b,c}*`, as gobwas/glob does it. */
import type { Spend } from "./matchers.ts";
import type { Part, Pattern } from "./syntax.ts";

/** Undefined where nothing is common. */
export function withoutCommonEnds(patterns: readonly Pattern[], spend: Spend): Pattern | undefined {
  const written = patterns.map(({ parts }) => parts.map((part) => JSON.stringify(part)));
  spend(written.flat().reduce((sum, text) => sum + text.length, 0));
  const { before, behind } = commonEnds(written);
  const [first] = patterns;
  if (first === undefined || (before === 0 && behind === 0)) return undefined;
  const pattern = (parts: readonly Part[]): Pattern => ({ kind: "pattern", parts });
  const rests = new Map<string, Part>();
  for (const { parts } of patterns) {
    const rest = parts.slice(before, parts.length - behind);
    rests.set(JSON.stringify(rest), rest.length === 0 ? { kind: "nothing" } : pattern(rest));
  }
  const [only, ...others] = [...rests.values()];
  const middle: Part[] = [];
  if (others.length > 0)
    middle.push({
      kind: "anyOf",
      patterns: [...rests.values()].map((rest) => (rest.kind === "pattern" ? rest : pattern([rest]))),
    });
  else if (only !== undefined && only.kind !== "nothing") middle.push(only);
  return pattern([
    ...(before > 0 ? [pattern(first.parts.slice(0, before))] : []),
    ...middle,
    ...(behind > 0 ? [pattern(first.parts.slice(first.parts.length - behind))] : []),
  ]);
}

/** How many parts all have at their beginning, and at their end. */
function commonEnds(patterns: readonly (readonly string[])[]): { readonly before: number; readonly behind: number } {
  const shortest = patterns.toSorted((a, b) => a.length - b.length)[0] ?? [];
  const size = shortest.length;
  if (patterns.length <= 1) return { before: 0, behind: 0 };
  let [before, behind, total] = [0, 0, 0];
  let [isLeft, isRight] = [true, true];
  for (let [left, right] = [0, size - 1]; total < size && right >= 0 && (isLeft || isRight); left++, right--) {
    for (const other of patterns) {
      if (other === shortest) continue;
      if (!isLeft && !isRight) break;
      isLeft &&= shortest[left] === other[left];
      isRight &&= !isLeft || right > left;
      isRight &&= shortest[right] === other[right + other.length - size];
    }
    if (isLeft) [before, total] = [before + 1, total + 1];
    if (isRight) [behind, total] = [size - right, total + 1];
  }
  return { before, behind };
}
