/**
 * The syntax of Go's text/template as a tree: actions between `{{` and `}}`, with `if`, `with`, `range`, variables and
 * pipelines. `define`, `template` and `block` are not read: a policy's template is one text.
 */
import { BuiltinError, BuiltinLimit, type Pay } from "../../builtin.ts";
import { type Lexeme, lex } from "./lexemes.ts";
import { Variables } from "./variables.ts";

export type Operand =
  | { readonly kind: "literal"; readonly value: string | boolean | bigint | number | null }
  /** `.a.b`, `$x.a` or `(…).a`; an empty variable is the dot. */
  | {
      readonly kind: "path";
      readonly variable: string;
      readonly inner: Pipeline | undefined;
      readonly fields: readonly string[];
    }
  | { readonly kind: "function"; readonly name: string };

type Command = readonly Operand[];

export type Pipeline = {
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
};

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly pipeline: Pipeline }
  | {
      readonly kind: "control";
      readonly word: "if" | "with" | "range";
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: "jump"; readonly to: "break" | "continue" };

export type Control = Extract<Node, { kind: "control" }>;

const FUNCTIONS = new Set(
  ["and", "or", "not", "len", "index", "slice", "print", "println", "printf", "html", "js", "urlquery"].concat([
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
  ]),
);
const MAX_DEPTH = 100;

/** @throws BuiltinError where Go refuses the template */
export function parseTemplate(text: string, pay: Pay): readonly Node[] {
  const parser = new Parser(lex(text, pay));
  const nodes = parser.list(0, 0);
  if (parser.ended !== undefined) throw new BuiltinError(`template: unexpected {{${parser.ended}}}`);
  return nodes;
}

class Parser {
  readonly #lexemes: readonly Lexeme[];
  #at = 0;
  readonly #variables = new Variables<true>();
  /** The word that ended the last list: `end`, or `else`. */
  ended: "end" | "else" | undefined;

  constructor(lexemes: readonly Lexeme[]) {
    this.#lexemes = lexemes;
    this.#variables.declare("$", true);
  }

  list(depth: number, loops: number): readonly Node[] {
    if (depth > MAX_DEPTH) throw new BuiltinLimit("template: nested too deep");
    const nodes: Node[] = [];
    this.ended = undefined;
    for (let lexeme = this.#next(); lexeme !== undefined; lexeme = this.#next()) {
      if (lexeme.kind === "text") nodes.push({ kind: "text", text: lexeme.text });
      else if (this.#peek()?.kind === "word") {
        const node = this.#keyword(depth, loops);
        if (node === undefined) return nodes;
        nodes.push(node);
      } else nodes.push({ kind: "output", pipeline: this.#pipeline("close", depth) });
    }
    return nodes;
  }

  /** Undefined at `end` and `else`. */
  #keyword(depth: number, loops: number): Node | undefined {
    const word = this.#peek()?.text ?? "";
    if (word === "end" || word === "else") {
      this.#at++;
      if (word === "end") this.#expect("close");
      this.ended = word;
      return undefined;
    }
    if (word === "if" || word === "with" || word === "range") {
      this.#at++;
      return this.#control(word, depth, loops);
    }
    if (word === "break" || word === "continue") {
      this.#at++;
      if (loops === 0) throw new BuiltinError(`template: {{${word}}} outside {{range}}`);
      this.#expect("close");
      return { kind: "jump", to: word };
    }
    return { kind: "output", pipeline: this.#pipeline("close", depth) };
  }

  #control(kind: "if" | "with" | "range", depth: number, loops: number): Node {
    const before = this.#variables.mark();
    const pipeline = this.#pipeline("close", depth);
    if (kind === "range" ? pipeline.variables.length > 2 : pipeline.variables.length > 1) {
      throw new BuiltinLimit("template: too many declarations");
    }
    const body = this.list(depth + 1, kind === "range" ? loops + 1 : loops);
    const otherwise = this.ended === "else" ? this.#otherwise(kind, depth, loops) : [];
    if (this.ended !== "end") throw new BuiltinError("template: unexpected EOF");
    this.#variables.backTo(before);
    this.ended = undefined;
    return { kind: "control", word: kind, pipeline, body, otherwise };
  }

  /** `{{else}}`, or `{{else if …}}`, whose `end` closes both. */
  #otherwise(kind: "if" | "with" | "range", depth: number, loops: number): readonly Node[] {
    const next = this.#peek();
    if (kind !== "range" && next?.kind === "word" && next.text === kind) {
      this.#at++;
      const inner = this.#control(kind, depth + 1, loops);
      this.ended = "end";
      return [inner];
    }
    this.#expect("close");
    const nodes = this.list(depth + 1, loops);
    if (this.ended !== "end") throw new BuiltinError("template: expected end");
    return nodes;
  }

  #pipeline(end: "close" | ")", depth: number): Pipeline {
    if (depth > MAX_DEPTH) throw new BuiltinLimit("template: nested too deep");
    const { variables, assigns } = this.#declarations();
    const commands: Command[] = [];
    do {
      const command: Operand[] = [];
      for (let next = this.#peek(); next !== undefined && !this.#isEnd(next, end); next = this.#peek()) {
        command.push(this.#operand(depth));
      }
      if (command.length === 0) throw new BuiltinError("template: missing value for command");
      if (commands.length > 0 && command[0]?.kind === "literal") {
        throw new BuiltinError("template: non executable command in pipeline");
      }
      commands.push(command);
    } while (this.#take("|"));
    this.#expect(end);
    return { variables, assigns, commands };
  }

  #isEnd(lexeme: Lexeme, end: "close" | ")"): boolean {
    return lexeme.kind === end || lexeme.kind === "|";
  }

  #declarations(): { readonly variables: readonly string[]; readonly assigns: boolean } {
    const [first, second, third, fourth] = this.#lexemes.slice(this.#at, this.#at + 4);
    if (first?.kind !== "variable") return { variables: [], assigns: false };
    const isPair = second?.kind === "," && third?.kind === "variable";
    const operator = isPair ? fourth : second;
    if (operator?.kind !== ":=" && operator?.kind !== "=") return { variables: [], assigns: false };
    const variables = isPair ? [first.text, third.text] : [first.text];
    const assigns = operator.kind === "=";
    if (assigns && !variables.every((name) => this.#variables.find(name))) {
      throw new BuiltinError("template: undefined variable");
    }
    for (const name of variables) this.#variables.declare(name, true);
    this.#at += isPair ? 4 : 2;
    return { variables, assigns };
  }

  #operand(depth: number): Operand {
    const lexeme = this.#next();
    switch (lexeme?.kind) {
      case "literal":
        return { kind: "literal", value: lexeme.value };
      case "fields":
        return { kind: "path", variable: "", inner: undefined, fields: lexeme.names };
      case "variable":
        if (this.#variables.find(lexeme.text) === undefined)
          throw new BuiltinError(`template: undefined variable ${lexeme.text}`);
        return { kind: "path", variable: lexeme.text, inner: undefined, fields: this.#fields() };
      case "(": {
        const inner = this.#pipeline(")", depth + 1);
        return { kind: "path", variable: "", inner, fields: this.#fields() };
      }
      case "word":
        if (!FUNCTIONS.has(lexeme.text)) throw new BuiltinError(`template: function "${lexeme.text}" not defined`);
        return { kind: "function", name: lexeme.text };
      default:
        throw new BuiltinError("template: unexpected token in operand");
    }
  }

  /** Fields right behind a variable or a parenthesis. */
  #fields(): readonly string[] {
    const next = this.#peek();
    if (next?.kind !== "fields" || !next.isAttached) return [];
    this.#at++;
    return next.names;
  }

  #peek(): Lexeme | undefined {
    return this.#lexemes[this.#at];
  }

  #next(): Lexeme | undefined {
    return this.#lexemes[this.#at++];
  }

  #take(kind: Lexeme["kind"]): boolean {
    const isThere = this.#peek()?.kind === kind;
    if (isThere) this.#at++;
    return isThere;
  }

  #expect(kind: Lexeme["kind"]): void {
    if (!this.#take(kind)) throw new BuiltinError("template: unclosed action");
  }
}
