/**
 * `regex.globs_match`: whether two patterns of characters, `.`, `[…]`, each with an optional `*` or `+`, can match one
 * same text that is not empty. Follows OPA's greedy way of asking, which misses some pairs that plain set theory would
 * find (`ab*` and `ac*`): the same question has to get the same answer here.
 *
 * Every step looks at two suffixes, so answers are remembered per pair of positions: the time is the product of the
 * lengths, not exponential in them, and it is paid step by step. Sets stay ranges: `[a-\u{10ffff}]` is one, not a million.
 */
import { type Builtin, BuiltinError, BuiltinLimit, builtinTable, type Pay, stringArg } from "../builtin.ts";

type Flag = "" | "*" | "+";
/** The first and the last of its characters. */
type Range = readonly [from: number, to: number];
/** Ranges in order, with gaps between them; `undefined` stands for any character. */
type Token = { readonly characters: readonly Range[] | undefined; readonly isSet: boolean; readonly flag: Flag };

const MAX_TOKENS = 500;
/** In fuel: of a pair of positions, of a token that is looked at from there, and of a range that is compared. */
const PER_PAIR = 3_000;
const PER_TOKEN = 400;
const PER_RANGE = 40;

function tokensOf(text: string): readonly Token[] {
  const reader = new Reader([...text]);
  const tokens: Token[] = [];
  for (let token = reader.token(); token !== undefined; token = reader.token()) {
    const last = tokens.at(-1);
    if (last !== undefined && last.flag !== "" && token.flag !== "" && isSame(last, token)) {
      tokens[tokens.length - 1] = { ...last, flag: last.flag === "+" || token.flag === "+" ? "+" : "*" };
    } else tokens.push(token);
    if (tokens.length > MAX_TOKENS) throw new BuiltinLimit("glob is too long");
  }
  return tokens;
}

type Read = { readonly char: string; readonly escaped: boolean };

class Reader {
  readonly #chars: readonly string[];
  #at = 0;

  constructor(chars: readonly string[]) {
    this.#chars = chars;
  }

  token(): Token | undefined {
    const read = this.#next();
    if (read === undefined) return undefined;
    const { char, escaped } = read;
    if (!escaped && (char === "]" || char === "*" || char === "+"))
      throw new BuiltinError(`unexpected ${char} in glob`);
    const isSet = !escaped && char === "[";
    const isAny = !escaped && char === ".";
    const characters = isAny ? undefined : isSet ? this.#set() : [[codeOf(char), codeOf(char)] as const];
    return { characters, isSet, flag: this.#flag() };
  }

  #set(): readonly Range[] {
    const found: Range[] = [];
    let previous: number | undefined;
    for (let read = this.#next(); read !== undefined; read = this.#next()) {
      const { char, escaped } = read;
      if (!escaped && char === "]") return inOrder(found);
      if (!escaped && char === "-") {
        const end = this.#at < this.#chars.length - 1 ? this.#next() : undefined;
        if (previous === undefined || end === undefined || (!end.escaped && /[\]-]/.test(end.char))) {
          throw new BuiltinError("'-' must stand between two characters");
        }
        const last = codeOf(end.char);
        if (last < previous) throw new BuiltinError("range is out of order");
        found.push([previous, last]);
        previous = undefined;
      } else {
        previous = codeOf(char);
        found.push([previous, previous]);
      }
    }
    throw new BuiltinError("found [ without matching ]");
  }

  #flag(): Flag {
    const char = this.#chars[this.#at];
    if (char !== "*" && char !== "+") return "";
    this.#at++;
    return char;
  }

  #next(): Read | undefined {
    const char = this.#chars[this.#at];
    if (char === undefined) return undefined;
    this.#at++;
    if (char !== "\\") return { char, escaped: false };
    const escaped = this.#chars[this.#at++];
    if (escaped === undefined) throw new BuiltinError("glob ends with an escape");
    return { char: escaped, escaped: true };
  }
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

/** Sorted, and those that touch are one, so that equal sets have equal ranges. */
function inOrder(ranges: readonly Range[]): readonly Range[] {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function isSame(a: Token, b: Token): boolean {
  const [mine, theirs] = [a.characters, b.characters];
  if (mine === undefined || theirs === undefined) return mine === theirs;
  if (a.isSet !== b.isSet || mine.length !== theirs.length) return false;
  return mine.every(([from, to], at) => theirs[at]?.[0] === from && theirs[at]?.[1] === to);
}

/** Whether some character is in both. */
function matches(a: Token, b: Token): boolean {
  const [mine, theirs] = [a.characters, b.characters];
  if (mine === undefined || theirs === undefined) return true;
  for (let [i, j] = [0, 0]; ; ) {
    const [left, right] = [mine[i], theirs[j]];
    if (left === undefined || right === undefined) return false;
    if (left[1] < right[0]) i++;
    else if (right[1] < left[0]) j++;
    else return true;
  }
}

function rangesOf({ characters }: Token): number {
  return characters?.length ?? 0;
}

type Trimmed = { readonly left: readonly Token[]; readonly right: readonly Token[] };

/** Plain tokens at both ends are compared at once; one of each end stays. Undefined when they differ. */
function trim(left: readonly Token[], right: readonly Token[]): Trimmed | undefined {
  const isPlain = (a: Token | undefined, b: Token | undefined): boolean => a?.flag === "" && b?.flag === "";
  const differ = (a: Token | undefined, b: Token | undefined): boolean =>
    a !== undefined && b !== undefined && !matches(a, b);
  let start = 0;
  for (; isPlain(left[start], right[start]); start++) if (differ(left[start], right[start])) return undefined;
  if (start > 0) start--;
  let [endL, endR] = [left.length - 1, right.length - 1];
  for (; endL >= start && endR >= start && isPlain(left[endL], right[endR]); endL--, endR--) {
    if (differ(left[endL], right[endR])) return undefined;
  }
  if (endL < left.length - 1) [endL, endR] = [endL + 1, endR + 1];
  return { left: left.slice(start, endL + 1), right: right.slice(start, endR + 1) };
}

function intersect({ left, right }: Trimmed, pay: Pay): boolean {
  const known = new Map<string, boolean>();
  const remember = (key: string, find: () => boolean): boolean => {
    pay(PER_PAIR);
    const answer = known.get(key) ?? find();
    known.set(key, answer);
    return answer;
  };
  const meets = (a: Token, b: Token): boolean => {
    pay(PER_TOKEN + (rangesOf(a) + rangesOf(b)) * PER_RANGE);
    return matches(a, b);
  };
  const sides = [left, right];
  const at = (side: number, index: number): Token | undefined => sides[side]?.[index];

  /** From `i` of the left and `j` of the right on. */
  const plain = (i: number, j: number): boolean =>
    remember(`p${i},${j}`, () => {
      const [a, b] = [left[i], right[j]];
      if (a === undefined || b === undefined) return a === b;
      if (a.flag === "" && b.flag === "") return meets(a, b) && plain(i + 1, j + 1);
      const side = a.flag === "" ? 1 : 0;
      const [mine, theirs] = side === 0 ? [i, j] : [j, i];
      return at(side, mine)?.flag === "+" ? plus(side, mine, theirs) : star(side, mine, theirs);
    });
  const inTurn = (side: number, mine: number, theirs: number): boolean =>
    side === 0 ? plain(mine, theirs) : plain(theirs, mine);
  const plus = (side: number, mine: number, theirs: number): boolean => {
    const [token, other] = [at(side, mine), at(1 - side, theirs)];
    if (token === undefined || other === undefined || !meets(token, other)) return false;
    return star(side, mine, theirs + 1) || (other.flag !== "" && inTurn(side, mine + 1, theirs));
  };
  /** The starred token takes what it can of the other side until the rest fits. */
  const star = (side: number, mine: number, theirs: number): boolean =>
    remember(`s${side},${mine},${theirs}`, () => {
      const [token, next] = [at(side, mine), at(side, mine + 1)];
      const length = sides[1 - side]?.length ?? 0;
      for (let index = theirs; index < length; index++) {
        const other = at(1 - side, index);
        if (other === undefined || token === undefined) return false;
        if (next !== undefined && meets(other, next) && inTurn(side, mine + 1, index)) return true;
        if (!meets(other, token)) return false;
      }
      return next === undefined;
    });
  return plain(0, 0);
}

const globsMatch: Builtin = (args, { pay }) => {
  const trimmed = trim(tokensOf(stringArg(args, 0)), tokensOf(stringArg(args, 1)));
  return trimmed !== undefined && intersect(trimmed, pay);
};

export const GLOBS_INTERSECT = builtinTable([["regex.globs_match", globsMatch]]);
