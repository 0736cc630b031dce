/** A pattern → one matcher, put together as gobwas/glob does it, since what it is put together of decides at the edges. */
import { BuiltinLimit } from "../../builtin.ts";
import { toBytes } from "./bytes-text.ts";
import { anyOf, atLeast, atMost, everyOf, row, tree } from "./composites.ts";
import { any, contains, list, literal, type Matcher, NOTHING, prefix, prefixAny, prefixSuffix } from "./matchers.ts";
import { range, single, type Spend, suffix, suffixAny, SUPER } from "./matchers.ts";
import { withoutCommonEnds } from "./common-ends.ts";
import type { Part } from "./syntax.ts";

type Separators = readonly number[];

export function compileGlob(part: Part, separators: Separators, spend: Spend): Matcher {
  spend(1);
  if (part.kind === "anyOf") {
    const shorter = withoutCommonEnds(part.patterns, spend);
    if (shorter !== undefined) return compileGlob(shorter, separators, spend);
    return anyOf(part.patterns.map((pattern) => simplest(compileGlob(pattern, separators, spend))));
  }
  return simplest(compiled(part, separators, spend));
}

function compiled(part: Exclude<Part, { kind: "anyOf" }>, separators: Separators, spend: Spend): Matcher {
  switch (part.kind) {
    case "pattern": {
      if (part.parts.length === 0) return NOTHING;
      const matchers = part.parts.map((one) => simplest(compileGlob(one, separators, spend)));
      return together(glued(matchers, spend), spend);
    }
    case "any":
      return any(separators);
    case "super":
      return SUPER;
    case "single":
      return single(separators);
    case "nothing":
      return NOTHING;
    case "list":
      return list(part.characters, part.not);
    case "range":
      return range(part.from, part.to, part.not);
    default:
      return literal(part.text);
  }
}

/** NB: what is inside of a tree keeps the length that it had. */
function simplest(matcher: Matcher): Matcher {
  const { kind, separators = [], matchers = [], not } = matcher;
  if (kind === "any" && separators.length === 0) return SUPER;
  const [only] = matchers;
  if (kind === "anyOf" && matchers.length === 1 && only !== undefined) return only;
  if (kind === "list" && not === false && separators.length === 1)
    return literal(toBytes(String.fromCodePoint(...separators)));
  if (matcher.tree === undefined) return matcher;
  const { value } = matcher.tree;
  const left = matcher.tree.left === undefined ? undefined : simplest(matcher.tree.left);
  const right = matcher.tree.right === undefined ? undefined : simplest(matcher.tree.right);
  return (value.kind === "text" && ofText(value.text ?? "", left, right)) || retreed(matcher, { value, left, right });
}

function retreed(
  before: Matcher,
  now: { value: Matcher; left: Matcher | undefined; right: Matcher | undefined },
): Matcher {
  const { left, right } = before.tree ?? now;
  if (left === now.left && right === now.right) return before;
  return tree(now);
}

function ofText(text: string, left: Matcher | undefined, right: Matcher | undefined): Matcher | undefined {
  if (left === undefined && right === undefined) return literal(text);
  if (left?.kind === "super" && right?.kind === "super") return contains(text, false);
  if (left?.kind === "super" && right === undefined) return suffix(text);
  if (right?.kind === "super" && left === undefined) return prefix(text);
  if (left === undefined && right?.kind === "suffix") return prefixSuffix(text, right.text ?? "");
  if (right === undefined && left?.kind === "prefix") return prefixSuffix(left.text ?? "", text);
  if (right === undefined && left?.kind === "any") return suffixAny(text, left.separators ?? []);
  if (left === undefined && right?.kind === "any") return prefixAny(text, right.separators ?? []);
  return undefined;
}

function together(matchers: readonly Matcher[], spend: Spend): Matcher {
  const [first] = matchers;
  if (first === undefined) throw new BuiltinLimit("glob: nothing to match");
  if (matchers.length === 1) return first;
  const one = glue(matchers, spend);
  if (one !== undefined) return one;
  let found = -1;
  for (const [at, { length }] of matchers.entries()) {
    if (length !== -1 && length >= (matchers[found]?.length ?? -1)) found = at;
  }
  const value = matchers[found];
  if (value === undefined) return tree({ value: first, left: undefined, right: together(matchers.slice(1), spend) });
  const [before, behind] = [matchers.slice(0, found), matchers.slice(found + 1)];
  return tree({
    value,
    left: before.length > 0 ? together(before, spend) : undefined,
    right: behind.length > 0 ? together(behind, spend) : undefined,
  });
}

/** The longest run that can be one matcher is, again and again. */
function glued(matchers: readonly Matcher[], spend: Spend): readonly Matcher[] {
  let best: { one: Matcher; from: number; to: number } | undefined;
  for (let from = 0; from < matchers.length; from++) {
    for (let to = matchers.length; to > from; to--) {
      const one = glue(matchers.slice(from, to), spend);
      if (one === undefined) continue;
      const isLonger = best !== undefined && best.one.length > -1 && one.length > best.one.length;
      if (best === undefined || isLonger || best.to - best.from < to - from) best = { one, from, to };
    }
  }
  if (best === undefined) return matchers;
  const next = [...matchers.slice(0, best.from), best.one, ...matchers.slice(best.to)];
  return next.length === matchers.length ? next : glued(next, spend);
}

function glue(matchers: readonly Matcher[], spend: Spend): Matcher | undefined {
  spend(matchers.length);
  if (matchers.length <= 1) return undefined;
  const every = asEvery(matchers);
  if (every !== undefined) return every;
  if (matchers.some(({ length }) => length === -1)) return undefined;
  return row(
    matchers.reduce((sum, { length }) => sum + length, 0),
    matchers,
  );
}

function asEvery(matchers: readonly Matcher[]): Matcher | undefined {
  const kinds = new Set(matchers.map(({ kind }) => kind));
  const isOther = ({ kind, not }: Matcher) =>
    !["super", "any", "single"].includes(kind) && !(kind === "list" && not === true);
  if (matchers.some(isOther)) return undefined;
  const [separators = [], ...others] = matchers.map((one) => one.separators ?? []);
  const isSame = (other: Separators) =>
    other.length === separators.length && other.every((code, at) => code === separators[at]);
  if (!others.every(isSame)) return undefined;
  const least = matchers.filter(({ kind }) => kind === "single" || kind === "list").length;
  const [hasAny, hasSuper] = [kinds.has("any"), kinds.has("super")];
  if (hasSuper && !hasAny && least === 0) return SUPER;
  if (hasAny && !hasSuper && least === 0) return any(separators);
  if ((hasAny || hasSuper) && least > 0 && separators.length === 0) return atLeast(least);
  const parts: Matcher[] = [];
  if (least > 0) parts.push(atLeast(least));
  if (least > 0 && !hasAny && !hasSuper) parts.push(atMost(least));
  if (separators.length > 0) parts.push(contains(toBytes(String.fromCodePoint(...separators)), true));
  return everyOf(parts);
}
