/**
 * A text that a built-in adds up from parts. Each is paid by its characters, and the whole refused where it has more than an answer
 * may have, before the part is made: a few characters of an argument can stand for any number of an answer.
 */
import { BuiltinLimit, MAX_BUILTIN_OUTPUT, type Pay } from "../builtin.ts";

/** In fuel: each is copied, most of them twice. */
const PER_CHARACTER = 5;

export class MadeText {
  readonly #parts: string[] = [];
  readonly #pay: Pay;
  #length = 0;
  #column = 0;

  constructor(pay: Pay) {
    this.#pay = pay;
  }

  /** So many times. */
  add(part: string, times = 1): void {
    const made = part.length * times;
    if (made === 0) return;
    this.#length += made;
    if (this.#length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("the result is too large");
    this.#column += made;
    this.#pay(made * PER_CHARACTER);
    this.#parts.push(times === 1 ? part : part.repeat(times));
  }

  /** The next line, behind so many blanks. */
  breakLine(blanks: number): void {
    this.add("\n");
    this.#column = 0;
    this.add(" ", blanks);
  }

  /** Characters since the last `breakLine`. */
  get column(): number {
    return this.#column;
  }

  get text(): string {
    return this.#parts.join("");
  }
}
