/** Literals, of which bodies consist: expressions, negated or not, `some`, `every`, with their `with`, and what `and` and `or` make of them. */
import { LogicalReader } from "./logical-reader.ts";
import { dotted, type Expr, type Term } from "./syntax.ts";

export class LiteralReader extends LogicalReader {
  protected override literal(): Expr {
    const { state } = this;
    if (this.is("{") && this.hasLogicalKeywords()) {
      const operand = this.attempt(() => {
        const body = this.inBraces();
        return this.is("and", "or") ? body : undefined;
      });
      if (operand !== undefined) return this.withModifiers(this.logical(operand));
      this.state = state;
      this.forgetFrom(state.from);
    }
    if (this.is("(") && this.hasLogicalKeywords()) {
      const group = this.group(false);
      if (group !== undefined) return this.logicalTail(group);
    }
    return this.takeAsName() ? this.#expression(false) : this.#afterNot(this.skipNot());
  }

  #afterNot(isNegated: boolean): Expr {
    if (isNegated && this.hasNotBodies() && this.is("{")) return this.logicalTail(this.notBody());
    if (!this.is("some", "every")) return this.#expression(isNegated);
    if (isNegated) throw this.unexpected("illegal negation");
    return this.is("some") ? this.#some() : this.#every();
  }

  #expression(isNegated: boolean): Expr {
    const beginsWithBrace = !isNegated && this.is("{");
    if (isNegated && this.hasNotBodies() && this.is("(")) {
      const group = this.group(true);
      if (group !== undefined) return this.logicalTail(this.negated(group));
    }
    const plain = this.expression();
    const modified = this.is("with");
    const withs = modified ? { with: this.withs() } : {};
    const expr = { ...(isNegated ? this.negated(plain) : plain), ...withs };
    if (!this.is("and", "or")) return expr;
    if (modified || beginsWithBrace) throw this.unexpected("such an operand has to stand in parentheses");
    return this.logicalTail(expr);
  }

  #some(): Expr {
    const { state } = this;
    const term = this.attempt(() => {
      this.scan();
      return this.infix();
    });
    if (term?.type === "call") {
      this.#memberOf(term);
      return this.withModifiers({ index: 0, terms: { symbols: [term] } });
    }
    this.state = state;
    const symbols: Term[] = [];
    do {
      this.scan();
      this.expect("identifier");
      symbols.push(this.variable());
      this.scan();
    } while (this.is(","));
    return { index: 0, terms: { symbols } };
  }

  #every(): Expr {
    this.scan();
    const { key, value, domain } = this.#memberOf(this.infix());
    if (value.type !== "var" || (key !== null && key.type !== "var")) throw this.unexpected("expected variables");
    this.expect("{");
    this.scan();
    const body = this.body("}");
    this.scan();
    return this.withModifiers({ index: 0, terms: { key, value, domain, body } });
  }

  /** The parts of `value in domain` or `key, value in domain`. */
  #memberOf(term: Term): { readonly key: Term | null; readonly value: Term; readonly domain: Term } {
    if (term.type === "call") {
      const [operator, first, second, third, ...more] = term.value;
      const name = dotted(operator);
      if (first !== undefined && second !== undefined && more.length === 0) {
        if (name === "internal.member_2" && third === undefined) return { key: null, value: first, domain: second };
        if (name === "internal.member_3" && third !== undefined) return { key: first, value: second, domain: third };
      }
    }
    throw this.unexpected("expected `x in xs` or `x, y in xs` expression");
  }
}
