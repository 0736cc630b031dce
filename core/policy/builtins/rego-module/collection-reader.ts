/**
 * What holds terms between brackets: arrays, sets, objects, their comprehensions, and template strings. What can be read in
 * two ways is read in the order in which OPA tries them: `{a | b}` is a comprehension before it is a set with a union in it.
 */
import { BuiltinError } from "../../builtin.ts";
import { Cursor } from "./cursor.ts";
import { objectOf, setOf } from "./order.ts";
import { type Body, dotted, type Expr, isTerm, isTerms, type Pair, type Term, text } from "./syntax.ts";
import { fault } from "./tokens.ts";

export abstract class CollectionReader extends Cursor {
  /** Without operators. */
  protected abstract term(): Term;
  /** `a, b in c` is one term only where no list of terms is read. */
  protected abstract infix(isInList?: boolean): Term;
  protected abstract literal(): Expr;

  /** Expressions up to `end`, which is left to the caller. */
  protected body(end: string): Body {
    return this.nested(() => {
      const body: Expr[] = [];
      if (this.is(end)) throw fault("found empty body");
      for (;;) {
        body.push({ ...this.literal(), index: body.length });
        if (this.skip(";")) continue;
        if (this.is(end)) return body;
        if (!this.state.isOnNewLine) throw this.unexpected(`expected \\n or ; or ${end}`);
      }
    });
  }

  /** The array that begins here, up to its last bracket. */
  protected array(): Term {
    this.scan();
    if (this.is("]")) return { type: "array", value: [] };
    const mayBeComprehension = !this.skip(",");
    const { state } = this;
    const first = this.term();
    if (this.is("]", ",")) return { type: "array", value: this.#list("]", first) };
    if (this.is("|") && mayBeComprehension) {
      const body = this.#comprehensionBody("]");
      if (body !== undefined) return { type: "arraycomprehension", value: { term: first, body } };
    }
    this.state = state;
    return { type: "array", value: this.#list("]", this.infix(true)) };
  }

  /** The set or object that begins here, up to its last brace. */
  protected braces(): Term {
    this.scan();
    if (this.is("}")) return objectOf([]);
    const mayBeComprehension = !this.skip(",");
    const { state } = this;
    const first = this.term();
    if (this.is("}", ",")) return setOf(this.#list("}", first));
    if (this.is(":")) return this.#object(first, mayBeComprehension);
    if (this.is("|") && mayBeComprehension) {
      const body = this.#comprehensionBody("}");
      if (body !== undefined) return { type: "setcomprehension", value: { term: first, body } };
      this.state = state;
      return setOf(this.#list("}", this.infix(true)));
    }
    this.state = state;
    const whole = this.infix(true);
    return this.is(":") ? this.#object(whole, mayBeComprehension) : setOf(this.#list("}", whole));
  }

  /** Undefined when it turns out to be a list whose first item is a union; a fault at any other place is one. */
  #comprehensionBody(end: string): Body | undefined {
    this.scan();
    try {
      return this.body(end);
    } catch (error) {
      if (error instanceof BuiltinError && this.is(",")) return undefined;
      throw error;
    }
  }

  #object(key: Term, mayBeComprehension: boolean): Term {
    this.scan();
    const { state } = this;
    const first = this.term();
    if (mayBeComprehension && this.is("|")) {
      const body = this.attempt(() => {
        this.scan();
        return this.body("}");
      });
      if (body !== undefined) return { type: "objectcomprehension", value: { key, value: first, body } };
    }
    if (mayBeComprehension && this.is("}", ",")) return objectOf(this.#pairs([key, first]));
    this.state = state;
    return objectOf(this.#pairs([key, this.infix(true)]));
  }

  /** The first, which stands before here, and those behind it; a comma may end them. */
  #list(end: string, first: Term): readonly Term[] {
    const terms = [first];
    while (this.#goesOn(end)) terms.push(this.infix(true));
    return terms;
  }

  #pairs(first: Pair): readonly Pair[] {
    const pairs = [first];
    while (this.#goesOn("}")) {
      const key = this.infix(true);
      this.expect(":");
      this.scan();
      pairs.push([key, this.infix(true)]);
    }
    return pairs;
  }

  #goesOn(end: string): boolean {
    if (this.skip(",")) return !this.is(end);
    this.expect(end);
    return false;
  }

  /** The operands of a call up to its parenthesis. */
  protected operands(): readonly Term[] {
    return this.is(")") ? [] : this.#list(")", this.infix(true));
  }

  protected template(isRaw: boolean): Term {
    const parts: (Term | Expr)[] = [];
    for (;;) {
      if (this.state.text !== "") parts.push(text(this.state.text));
      if (this.is("template end")) {
        return { type: "templatestring", value: { multi_line: isRaw, parts: parts.length === 0 ? null : parts } };
      }
      parts.push(this.#templatePart());
      if (!this.is("}")) throw this.unexpected("expected } to end template string expression");
      this.scanTemplate(isRaw);
    }
  }

  #templatePart(): Term | Expr {
    const { comments } = this.state;
    this.scan();
    const hasComment = this.state.comments !== comments;
    const part = this.literal();
    const { terms } = part;
    const operator = isTerms(terms) ? dotted(terms[0]) : undefined;
    const isRefused = operator === "eq" || operator === "assign" || "symbols" in terms || "domain" in terms;
    if (part.negated || isRefused) throw this.unexpected("no value for a template string");
    return isTerm(terms) && CONSTANTS.has(terms.type) && !hasComment ? terms : part;
  }
}

/** They stand in a template string as they are. */
const CONSTANTS: ReadonlySet<string> = new Set(["string", "number", "boolean", "null"]);
