/**
 * The pattern of `glob.match` → its parts, as gobwas/glob reads it: `*`, `**`, `?`, `[abc]`, `[!a-c]`, `{a,b}`, `\` before what
 * stands for itself. A brace that is never closed closes at the end. Texts are strings of bytes (bytes-text.ts).
 */
import { BuiltinError } from "../../builtin.ts";
import { toBytes } from "./bytes-text.ts";

export type Part =
  | { readonly kind: "any" | "super" | "single" | "nothing" }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "list"; readonly characters: readonly number[]; readonly not: boolean }
  | { readonly kind: "range"; readonly from: number; readonly to: number; readonly not: boolean }
  | { readonly kind: "pattern"; readonly parts: readonly Part[] }
  | { readonly kind: "anyOf"; readonly patterns: readonly Pattern[] };

export type Pattern = Extract<Part, { kind: "pattern" }>;

/** @throws BuiltinError when it is no pattern */
export function parseGlob(text: string): Pattern {
  const reader = new Reader([...text.toWellFormed()]);
  return { kind: "pattern", parts: reader.alternatives(false).flatMap(({ parts }) => parts) };
}

class Reader {
  readonly #chars: readonly string[];
  #at = 0;
  #ended = false;

  constructor(chars: readonly string[]) {
    this.#chars = chars;
  }

  alternatives(inBraces: boolean): readonly Pattern[] {
    const patterns: Part[][] = [[]];
    while (!this.#ended) {
      const char = this.#peek();
      if (char === undefined) this.#ended = true;
      else if (inBraces && (char === "," || char === "}")) {
        this.#at++;
        if (char === "}") break;
        patterns.push([]);
      } else patterns.at(-1)?.push(...this.#part(char, inBraces));
    }
    return patterns.map((parts) => ({ kind: "pattern", parts }));
  }

  #part(char: string, inBraces: boolean): readonly Part[] {
    if (!"{[?*".includes(char)) {
      const text = this.#text(inBraces ? "?*[{}," : "?*[{");
      return text === "" ? [] : [{ kind: "text", text: toBytes(text) }];
    }
    this.#at++;
    if (char === "{") return [{ kind: "anyOf", patterns: this.alternatives(true) }];
    if (char === "[") return [this.#set()];
    if (char === "?") return [{ kind: "single" }];
    if (this.#peek() !== "*") return [{ kind: "any" }];
    this.#at++;
    return [{ kind: "super" }];
  }

  #set(): Part {
    const not = this.#peek() === "!";
    if (not) this.#at++;
    const first = this.#next();
    if (this.#peek() === "-") {
      this.#at++;
      const [from, to] = [codeOf(first), codeOf(this.#next())];
      this.#close();
      if (to < from) throw new BuiltinError("hi character should be greater than lo");
      return { kind: "range", from, to, not };
    }
    this.#at--;
    const characters = [...this.#text("]")].map(codeOf);
    this.#close();
    if (characters.length === 0) throw new BuiltinError("could not parse range");
    return { kind: "list", characters, not };
  }

  #close(): void {
    if (this.#next() !== "]") throw new BuiltinError("expected close range character");
  }

  /** A NUL ends it, and is left out. */
  #text(breakers: string): string {
    let text = "";
    let escaped = false;
    for (let char = this.#chars[this.#at]; char !== undefined; char = this.#chars[this.#at]) {
      if (char !== "\0") this.#peek();
      if (!escaped && breakers.includes(char)) break;
      this.#at++;
      if (char === "\0") break;
      if (!escaped && char === "\\") escaped = true;
      else {
        escaped = false;
        text += char;
      }
    }
    return text;
  }

  #next(): string {
    const char = this.#peek();
    if (char === undefined) throw new BuiltinError("unexpected end of input");
    this.#at++;
    return char;
  }

  /** A NUL is where gobwas/glob sees the end. */
  #peek(): string | undefined {
    const char = this.#chars[this.#at];
    if (char === "\ufffd") throw new BuiltinError("could not read rune");
    return char === "\0" ? undefined : char;
  }
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}
