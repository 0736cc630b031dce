/**
 * A text that is paid for as it is read: the matcher is linear in what it looks at, but `a(.*b)?` looks at all that is left
 * for each of its matches. So what counts is each character that it asks for, however often.
 */
import type { RE2JS } from "re2js";
import type { Pay } from "../../builtin.ts";

/** In fuel (prices.ts), of looking for one match: what is prepared and laid out for it. */
export const PER_SEARCH = 5_000;
/** Of each group of the pattern, at each match, which is most of all handed back as a text of its own. */
export const PER_GROUP = 1_800;
/** Of one character for one place in the pattern. */
const PER_CHARACTER = 88;
/** Of one character for each further place at which the pattern may be at once. */
const PER_INSTRUCTION = 18;
/** Of one character that is searched for a literal, which the engine's own `indexOf` does. */
const PER_SKIPPED = 2;
/** Characters that are paid together, fewer where the text has fewer. */
const PAID_TOGETHER = 512;

/** Up to these sizes re2js (Backtracker) tries one place after the other, and beyond them all at once. */
const BACKTRACKED_INSTRUCTIONS = 500;
const BACKTRACKED_STATES = 256 * 1024;

/**
 * NB: re2js takes an object that is a String for a text, and its machines read it by the two methods below. What `pay`
 * throws ends the search.
 */
export class PaidText extends String {
  readonly #text: string;
  readonly #price: number;
  readonly #pay: Pay;
  readonly #together: number;
  #left = 0;

  constructor(text: string, compiled: RE2JS, pay: Pay) {
    super(text);
    const size = compiled.programSize();
    const isBacktracked = size <= BACKTRACKED_INSTRUCTIONS && size * text.length <= BACKTRACKED_STATES;
    this.#price = isBacktracked ? PER_CHARACTER : PER_CHARACTER + size * PER_INSTRUCTION;
    this.#text = text;
    this.#pay = pay;
    this.#together = Math.min(PAID_TOGETHER, text.length + 1);
  }

  override charCodeAt(at: number): number {
    if (--this.#left < 0) {
      this.#pay(this.#together * this.#price);
      this.#left = this.#together - 1;
    }
    return this.#text.charCodeAt(at);
  }

  override indexOf(searched: string, from = 0): number {
    const at = this.#text.indexOf(searched, from);
    this.#pay(((at < 0 ? this.#text.length : at) - from + 1) * PER_SKIPPED);
    return at;
  }
}
