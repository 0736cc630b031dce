/** Matchers of matchers (matchers.ts). */
import { BuiltinLimit } from "../../builtin.ts";
import { lengthOf, runeAt, runesOf } from "./bytes-text.ts";
import type { Matcher, Spend, Tree } from "./matchers.ts";

export function atLeast(limit: number): Matcher {
  return {
    ...{ kind: "min", length: -1 },
    matches(text, spend) {
      spend(text.length);
      return [...runesOf(text)].length >= limit;
    },
    find(text, spend) {
      spend(text.length);
      const ends = [...runesOf(text)].slice(limit - 1).map(({ at, code }) => at + lengthOf(code));
      return text.length < limit || ends.length === 0 ? undefined : { at: 0, lengths: ends };
    },
  };
}

export function atMost(limit: number): Matcher {
  return {
    ...{ kind: "max", length: -1 },
    matches(text, spend) {
      spend(text.length);
      return [...runesOf(text)].length <= limit;
    },
    find(text, spend) {
      spend(text.length);
      const ends = [...runesOf(text)].slice(0, limit).map(({ at, code }) => at + lengthOf(code));
      return { at: 0, lengths: [0, ...ends] };
    },
  };
}

export function anyOf(matchers: readonly Matcher[]): Matcher {
  const [first, ...others] = matchers.map(({ length }) => length);
  return {
    ...{ kind: "anyOf", matchers },
    // NB: of several, an open one at the beginning counts for nothing.
    length: commonLength(first, others),
    matches: (text, spend) => {
      spend(0);
      return matchers.some((matcher) => matcher.matches(text, spend));
    },
    find(text, spend) {
      const found = matchers.map((matcher) => matcher.find(text, spend)).filter((one) => one !== undefined);
      if (found.length === 0) return undefined;
      const at = Math.min(...found.map((one) => one.at));
      const lengths = new Set(found.filter((one) => one.at === at).flatMap((one) => one.lengths));
      return { at, lengths: [...lengths].sort((a, b) => a - b) };
    },
  };
}

function commonLength(first: number | undefined, others: readonly number[]): number {
  let length = first ?? -1;
  for (const other of others) {
    if (length === -1) length = other;
    else if (other !== length) return -1;
  }
  return length;
}

export function everyOf(matchers: readonly Matcher[]): Matcher {
  return {
    ...{ kind: "everyOf", length: matchers.length === 0 ? 0 : -1 },
    matches: (text, spend) => {
      spend(0);
      return matchers.every((matcher) => matcher.matches(text, spend));
    },
    find(text, spend) {
      let [index, offset, rest] = [0, 0, text];
      let current: readonly number[] = [];
      for (const [nth, matcher] of matchers.entries()) {
        const found = matcher.find(rest, spend);
        if (found === undefined) return undefined;
        const delta = index - (found.at + offset);
        const lengths = new Set(found.lengths);
        current =
          nth === 0 ? found.lengths : current.map((length) => length + delta).filter((length) => lengths.has(length));
        if (nth > 0 && current.length === 0) return undefined;
        index = found.at + offset;
        rest = text.slice(index);
        offset += found.at;
      }
      return { at: index, lengths: current };
    },
  };
}

export function row(length: number, matchers: readonly Matcher[]): Matcher {
  /** NB: of the last character of a part only the first byte is looked at. */
  function all(text: string, spend: Spend): boolean {
    let from = 0;
    for (const matcher of matchers) {
      let [next, count] = [0, 0];
      for (const { at } of runesOf(text.slice(from))) {
        next = at;
        if (++count === matcher.length) break;
      }
      spend(next);
      // NB: gobwas/glob reads beyond the text and breaks, which is no answer either.
      if (count >= matcher.length && from + next + 1 > text.length)
        throw new BuiltinLimit("the pattern cannot be matched");
      if (count < matcher.length || !matcher.matches(text.slice(from, from + next + 1), spend)) return false;
      from += next + 1;
    }
    return true;
  }
  return {
    ...{ kind: "row", length },
    matches: (text, spend) => {
      spend(text.length);
      return [...runesOf(text)].length === length && all(text, spend);
    },
    find(text, spend) {
      for (const { at } of runesOf(text)) {
        if (text.length - at < length) break;
        if (all(text.slice(at), spend)) return { at, lengths: [length] };
      }
      return undefined;
    },
  };
}

/** What has no length leaves it open on its side. */
export function tree({ value, left, right }: Tree): Matcher {
  const [before, behind] = [left?.length ?? 0, right?.length ?? 0];
  const length = [before, value.length, behind].includes(-1) ? -1 : before + value.length + behind;
  return {
    ...{ kind: "tree", length, tree: { value, left, right } },
    find: () => undefined,
    matches(text, spend) {
      if (length > text.length) return false;
      const limit = text.length - Math.max(behind, 0);
      for (let offset = Math.max(before, 0); offset < limit; ) {
        const found = value.find(text.slice(offset, limit), spend);
        if (found === undefined) return false;
        const at = offset + found.at;
        const isLeft = left === undefined ? at === 0 : left.matches(text.slice(0, at), spend);
        const isRight = (one: number) => {
          const rest = text.slice(at + one);
          return right === undefined ? rest === "" : right.matches(rest, spend);
        };
        if (isLeft && found.lengths.toReversed().some(isRight)) return true;
        offset = at + runeAt(text, at).width;
      }
      return false;
    },
  };
}
