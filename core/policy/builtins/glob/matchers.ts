/**
 * What gobwas/glob makes of a pattern: matchers, each of which says whether it is a whole text, and where in a text it first
 * begins, with the lengths that it may have there. The same parts with the same peculiarities: of `a/`, `**`, `/b` the two ends may
 * overlap, a row stumbles over characters of several bytes. All texts are strings of bytes.
 */
import { lengthOf, runeAt, runesOf, toBytes } from "./bytes-text.ts";

/** In fuel, of a look at a text, and of each of its bytes that is looked at: each matcher pays for its own looks. */
export type Spend = (bytes: number) => void;

type Found = { readonly at: number; readonly lengths: readonly number[] };

export type Matcher = {
  readonly kind: string;
  /** In characters, -1 where it is open. */
  readonly length: number;
  readonly matches: (text: string, spend: Spend) => boolean;
  readonly find: (text: string, spend: Spend) => Found | undefined;
  readonly text?: string;
  readonly separators?: readonly number[];
  readonly matchers?: readonly Matcher[];
  readonly tree?: Tree;
  readonly not?: boolean;
};

export type Tree = {
  readonly value: Matcher;
  readonly left: Matcher | undefined;
  readonly right: Matcher | undefined;
};

const utf8Of = (codes: readonly number[]) => codes.map((code) => toBytes(String.fromCodePoint(code)));

/** NB: the first separator that occurs, and not the first occurrence of one. */
function indexOfAny(text: string, separators: readonly string[]): number {
  for (const separator of separators) {
    const at = text.indexOf(separator);
    if (at >= 0) return at;
  }
  return -1;
}

function lastIndexOfAny(text: string, separators: readonly string[]): number {
  for (const separator of separators) {
    const at = separator.length === 1 ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at >= 0) return at;
  }
  return -1;
}

/** `at`: where it was found, below 0 where the whole text was searched for it. */
const payUpTo = (at: number, text: string, spend: Spend) => spend(at < 0 ? text.length : at + 1);

const starts = (text: string) => [...[...runesOf(text)].map(({ at }) => at), text.length];
const ends = (text: string, offset: number) => [...runesOf(text)].map(({ at, code }) => offset + at + lengthOf(code));

function oneOf(kind: string, isOne: (code: number) => boolean): Matcher {
  return {
    kind,
    length: 1,
    matches(text) {
      const { code, width } = runeAt(text, 0);
      return text.length <= width && isOne(code);
    },
    find(text, spend) {
      spend(text.length);
      for (const { at, code } of runesOf(text)) if (isOne(code)) return { at, lengths: [lengthOf(code)] };
      return undefined;
    },
  };
}

export function single(separators: readonly number[]): Matcher {
  return { ...oneOf("single", (code) => !separators.includes(code)), separators };
}

export function list(characters: readonly number[], not: boolean): Matcher {
  return { ...oneOf("list", (code) => characters.includes(code) !== not), separators: characters, not };
}

export function range(from: number, to: number, not: boolean): Matcher {
  return oneOf("range", (code) => (code >= from && code <= to) !== not);
}

export const NOTHING: Matcher = {
  ...{ kind: "nothing", length: 0 },
  matches: (text) => text === "",
  find: () => ({ at: 0, lengths: [0] }),
};

export const SUPER: Matcher = {
  ...{ kind: "super", length: -1 },
  matches: () => true,
  find(text, spend) {
    spend(text.length);
    return { at: 0, lengths: starts(text) };
  },
};

export function any(separators: readonly number[]): Matcher {
  const bytes = utf8Of(separators);
  return {
    ...{ kind: "any", length: -1, separators },
    matches(text, spend) {
      const at = indexOfAny(text, bytes);
      payUpTo(bytes.length > 1 ? -1 : at, text, spend); // of several, some may have been searched for in vain
      return at < 0;
    },
    find(text, spend) {
      spend(text.length);
      const at = indexOfAny(text, bytes);
      return { at: 0, lengths: at === 0 ? [0] : starts(at < 0 ? text : text.slice(0, at)) };
    },
  };
}

export function literal(text: string): Matcher {
  return {
    ...{ kind: "text", length: [...runesOf(text)].length, text },
    matches(given, spend) {
      spend(0);
      return given === text;
    },
    find(given, spend) {
      const at = given.indexOf(text);
      payUpTo(at, given, spend);
      return at < 0 ? undefined : { at, lengths: [text.length] };
    },
  };
}

export function contains(text: string, not: boolean): Matcher {
  return {
    ...{ kind: "contains", length: -1 },
    matches(given, spend) {
      const at = given.indexOf(text);
      payUpTo(at, given, spend);
      return at >= 0 !== not;
    },
    find(given, spend) {
      spend(given.length);
      const at = given.indexOf(text);
      if (not) return { at: 0, lengths: starts(at < 0 ? given : given.slice(0, at)) };
      if (at < 0) return undefined;
      const offset = at + text.length;
      return { at: 0, lengths: starts(given.slice(offset)).map((length) => offset + length) };
    },
  };
}

export function prefix(text: string): Matcher {
  return {
    ...{ kind: "prefix", length: -1, text },
    matches(given, spend) {
      spend(0);
      return given.startsWith(text);
    },
    find(given, spend) {
      spend(given.length);
      const at = given.indexOf(text);
      if (at < 0) return undefined;
      return { at, lengths: [text.length, ...ends(given.slice(at + text.length), text.length)] };
    },
  };
}

export function suffix(text: string): Matcher {
  return {
    ...{ kind: "suffix", length: -1, text },
    matches(given, spend) {
      spend(0);
      return given.endsWith(text);
    },
    find(given, spend) {
      const at = given.indexOf(text);
      payUpTo(at, given, spend);
      return at < 0 ? undefined : { at: 0, lengths: [at + text.length] };
    },
  };
}

export function prefixAny(text: string, separators: readonly number[]): Matcher {
  const bytes = utf8Of(separators);
  return {
    ...{ kind: "prefixAny", length: -1 },
    matches(given, spend) {
      const starting = given.startsWith(text);
      spend(starting ? given.length : 0);
      return starting && indexOfAny(given.slice(text.length), bytes) < 0;
    },
    find(given, spend) {
      spend(given.length);
      const at = given.indexOf(text);
      if (at < 0) return undefined;
      const rest = given.slice(at + text.length);
      const end = indexOfAny(rest, bytes);
      return { at, lengths: [text.length, ...ends(end < 0 ? rest : rest.slice(0, end), text.length)] };
    },
  };
}

export function suffixAny(text: string, separators: readonly number[]): Matcher {
  const bytes = utf8Of(separators);
  return {
    ...{ kind: "suffixAny", length: -1 },
    matches(given, spend) {
      const ending = given.endsWith(text);
      spend(ending ? given.length : 0);
      return ending && indexOfAny(given.slice(0, given.length - text.length), bytes) < 0;
    },
    find(given, spend) {
      const at = given.indexOf(text);
      payUpTo(at, given, spend);
      if (at < 0) return undefined;
      const from = lastIndexOfAny(given.slice(0, at), bytes) + 1;
      return { at: from, lengths: [at + text.length - from] };
    },
  };
}

/** NB: both may stand on the same bytes. */
export function prefixSuffix(before: string, behind: string): Matcher {
  return {
    ...{ kind: "prefixSuffix", length: -1 },
    matches(given, spend) {
      spend(0);
      return given.startsWith(before) && given.endsWith(behind);
    },
    find(given, spend) {
      spend(given.length);
      const at = given.indexOf(before);
      if (at < 0) return undefined;
      const lengths: number[] = [];
      let rest = given.slice(at);
      for (let end = rest.lastIndexOf(behind); end >= 0; end = rest.lastIndexOf(behind)) {
        lengths.push(end + behind.length);
        rest = rest.slice(0, end);
      }
      return lengths.length === 0 ? undefined : { at, lengths: lengths.toReversed() };
    },
  };
}
