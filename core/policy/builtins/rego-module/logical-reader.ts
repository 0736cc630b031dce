/**
 * `and`, `or` and bodies of `not`, which are keywords after `import future.keywords`. An operand is an expression, a body in
 * braces, or a group in parentheses; parentheses that hold anything else are those of a term and are read by others.
 */
import { UNION } from "./operators.ts";
import { type Body, dotted, type Expr, isTerms, type Logical, type With } from "./syntax.ts";
import { TermReader } from "./term-reader.ts";
import { fault } from "./tokens.ts";

type Operand = {
  readonly body: Body;
  /** It stands in braces. */
  readonly isExplicit: boolean;
  /** `{a | b}`, which would also be a comprehension. */
  readonly isAmbiguous: boolean;
};

/** Calls without a value: an operand has to be one that can fail. */
const VOID: ReadonlySet<string | undefined> = new Set(["print", "internal.print", "internal.test_case"]);

const not = (body: Body, isExplicit: boolean): Expr => ({
  index: 0,
  terms: { type: "not", body, explicit_body: isExplicit },
});
const implicit = (expr: Expr): Operand => ({
  body: [{ ...expr, index: 0 }],
  isExplicit: false,
  isAmbiguous: false,
});

export abstract class LogicalReader extends TermReader {
  protected withs(): readonly With[] {
    const withs: With[] = [];
    while (this.skip("with")) {
      this.expect("identifier");
      const target = this.term();
      if (target.type !== "ref" && target.type !== "var") throw this.unexpected("expected with target path");
      this.expect("as");
      this.scan();
      withs.push({ target, value: this.infix() });
    }
    return withs;
  }

  protected withModifiers(expr: Expr): Expr {
    return this.is("with") ? { ...expr, with: this.withs() } : expr;
  }

  /** Steps over `not`, unless it begins a reference. */
  protected skipNot(): boolean {
    return !this.isFollowedBy(".", "[") && this.skip("not");
  }

  protected negated(expr: Expr): Expr {
    return this.hasNotBodies() ? not([{ ...expr, index: 0 }], false) : { ...expr, negated: true };
  }

  /** The body in braces after `not`. */
  protected notBody(): Expr {
    const { body, isAmbiguous } = this.inBraces();
    if (isAmbiguous) throw fault("ambiguous { ... | ... } operand");
    return not(body, true);
  }

  protected inBraces(): Operand {
    this.scan();
    const isParenthesized = this.is("(");
    const body = this.body("}");
    this.scan();
    const terms = body[0]?.terms;
    const isUnion = terms !== undefined && isTerms(terms) && terms[0] === UNION;
    return { body, isExplicit: true, isAmbiguous: isUnion && !isParenthesized };
  }

  /** What is complete so far, or the first operand of what follows. */
  protected logicalTail(expr: Expr): Expr {
    return this.withModifiers(this.is("and", "or") ? this.logical(implicit(expr)) : expr);
  }

  /** From the operator behind the first operand on. `and` binds tighter. */
  protected logical(first: Operand): Expr {
    return this.nested(() => {
      let left = this.#conjunction(first);
      while (this.skip("or")) left = this.#combined("or", left, this.#conjunction(this.#operand()));
      const [expr] = left.body;
      if (expr === undefined) throw fault("found empty body");
      return expr;
    });
  }

  #conjunction(first: Operand): Operand {
    let left = first;
    while (this.skip("and")) left = this.#combined("and", left, this.#operand());
    return left;
  }

  #combined(type: Logical["type"], left: Operand, right: Operand): Operand {
    if (left.isAmbiguous || right.isAmbiguous) throw fault("ambiguous { ... | ... } operand");
    if (isVoid(left.body) || isVoid(right.body)) throw fault(`operand of ${type} cannot fail`);
    this.grow();
    const explicitLeft = left.isExplicit ? ({ explicit_lhs: true } as const) : {};
    const explicitRight = right.isExplicit ? ({ explicit_rhs: true } as const) : {};
    return implicit({ index: 0, terms: { type, lhs: left.body, rhs: right.body, ...explicitLeft, ...explicitRight } });
  }

  #operand(): Operand {
    if (this.is("{")) return this.inBraces();
    const isNegated = this.skipNot();
    if (isNegated && this.hasNotBodies() && this.is("{")) return implicit(this.notBody());
    if (this.is("(") && this.hasLogicalKeywords() && (!isNegated || this.hasNotBodies())) {
      const group = this.group(true);
      if (group !== undefined) return implicit(isNegated ? this.negated(group) : group);
    }
    const expr = this.expression();
    return implicit(isNegated ? this.negated(expr) : expr);
  }

  /** Undefined, and back at the parenthesis, when it is that of a term. `isOperand`: of `and`, `or` or `not`. */
  protected group(isOperand: boolean): Expr | undefined {
    const { state } = this;
    const group = this.nested(() => this.#group(isOperand));
    if (group === undefined) this.state = state;
    return group;
  }

  #group(isOperand: boolean): Expr | undefined {
    this.scan();
    if (this.is(")") && isOperand) throw fault("empty parenthesized group");
    const operand = this.attempt(() => this.#operand());
    if (operand === undefined) return undefined;
    if (this.is("and", "or")) return this.#closed(this.withModifiers(this.logical(operand)));
    const [expr] = operand.body;
    if (operand.isExplicit || expr === undefined) return undefined;
    if (this.is("with")) {
      const modified = this.#closed(this.withModifiers(expr));
      return isOperand || this.is("and", "or") ? modified : undefined;
    }
    const { terms } = expr;
    const isLogical = !isTerms(terms) && "type" in terms && ["and", "or", "not"].includes(terms.type);
    return isLogical || expr.negated ? this.#closed(expr) : undefined;
  }

  #closed(expr: Expr): Expr {
    this.expect(")");
    this.scan();
    return expr;
  }
}

function isVoid(body: Body): boolean {
  return body.every(({ terms, negated }) => !negated && isTerms(terms) && VOID.has(dotted(terms[0])));
}
