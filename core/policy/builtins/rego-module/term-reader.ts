/**
 * Terms of Rego: values, references, calls, and operators by their precedence. A term that was read at some place is not
 * read again there, since much is read in one way first and then in another.
 */
import { BuiltinError } from "../../builtin.ts";
import { regoInteger } from "../../rego-value/value.ts";
import { CollectionReader } from "./collection-reader.ts";
import type { State } from "./cursor.ts";
import { numberTerm } from "./number-term.ts";
import { ASSIGNMENTS, MEMBER, MEMBER_WITH_KEY, MINUS, OPERATORS } from "./operators.ts";
import { setOf } from "./order.ts";
import { callOf, dotted, type Expr, type Ref, refOf, type Term, text, TRUE, variable } from "./syntax.ts";

/** What a reference may begin with. */
const HEADS = "var array object set arraycomprehension objectcomprehension setcomprehension call".split(" ");

type Known = {
  readonly from: number;
  readonly after: State;
  readonly height: number;
  readonly outcome: Term | BuiltinError;
};

export abstract class TermReader extends CollectionReader {
  /** In order of their places. */
  #known: Known[] = [];

  /** Forgets what was read from there on. */
  protected forgetFrom(from: number): void {
    while ((this.#known.at(-1)?.from ?? -1) >= from) this.#known.pop();
  }

  #knownAt(from: number): Known | undefined {
    for (let low = 0, high = this.#known.length - 1; low <= high; ) {
      const middle = (low + high) >> 1;
      const known = this.#known[middle];
      if (known === undefined || known.from === from) return known;
      if (known.from < from) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  protected override term(): Term {
    const { from } = this.state;
    const { after, height, outcome } = this.#knownAt(from) ?? this.#read(from);
    this.state = after;
    this.raise(height);
    if (outcome instanceof BuiltinError) throw outcome;
    return outcome;
  }

  #read(from: number): Known {
    let outcome: Known["outcome"];
    try {
      outcome = this.nested(() => this.#newTerm());
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      outcome = error;
    }
    const known = { from, after: this.state, height: this.height, outcome };
    this.forgetFrom(from);
    this.#known.push(known);
    return known;
  }

  #newTerm(): Term {
    if (this.is("and", "or") && this.isFollowedBy("(")) this.renameToIdentifier();
    if (this.skip("-")) return this.#negative();
    return this.#finish(this.#head());
  }

  #head(): Term {
    switch (this.kind()) {
      case "null":
        return { type: "null", value: {} };
      case "true":
        return TRUE;
      case "false":
        return { type: "boolean", value: false };
      case ".":
      case "number":
        return this.#number("");
      case "string":
        return text(this.state.text);
      case "template":
      case "template end":
        return this.template(this.source[this.state.from + 1] === "`");
      case "identifier":
      case "contains":
        return this.variable();
      case "[":
        return this.array();
      case "{":
        return this.braces();
      case "(":
        return this.#inParentheses();
      default:
        throw this.unexpected("no term");
    }
  }

  #inParentheses(): Term {
    this.scan();
    const term = this.infix();
    this.expect(")");
    return term;
  }

  /** Of a number that is part of it; of a reference it is a call. */
  #negative(): Term {
    if (!this.is("identifier", "contains")) return this.#finish(this.#number("-"));
    const zero: Term = { type: "number", value: regoInteger(0) };
    return callOf(MINUS, zero, this.#finish(this.variable()));
  }

  #number(sign: string): Term {
    const point = this.skip(".") ? "." : "";
    this.expect("number");
    const number = this.state.text;
    if (point !== "" && number.includes(".")) throw this.unexpected("invalid float");
    return numberTerm(`${sign}${point}${number}`);
  }

  protected variable(): Term {
    return variable(this.state.text === "_" ? this.wildcard() : this.state.text);
  }

  #finish(head: Term): Term {
    this.scanSpace();
    if (this.is("(", ".", "[")) return this.reference(head);
    this.skip("space");
    return head.type === "var" && (head.value === "data" || head.value === "input") ? refOf([head]) : head;
  }

  /** The head stands before here. Space ends a reference. */
  protected reference(head: Term): Term {
    if (!HEADS.includes(head.type)) throw this.unexpected(`illegal ref (head cannot be ${head.type})`);
    const parts = [head];
    for (;;) {
      if (this.is("(")) return this.#call(refOf(parts));
      if (this.is(".")) parts.push(this.#member());
      else if (this.is("[")) parts.push(this.#element());
      else {
        this.skip("space");
        return refOf(parts);
      }
    }
  }

  #member(): Term {
    this.scanSpace();
    if (!this.is("identifier") && !this.isWord()) throw this.unexpected("expected identifier");
    const name = text(this.state.text);
    this.scanSpace();
    return name;
  }

  #element(): Term {
    this.scan();
    const term = this.infix();
    this.expect("]");
    this.scanSpace();
    return term;
  }

  #call(callee: Ref): Term {
    this.scan();
    const operands = this.operands();
    const call = operands.length === 0 && dotted(callee) === "set" ? setOf([]) : callOf(callee, ...operands);
    this.scanSpace();
    if (this.is(".", "[")) return this.nested(() => this.reference(call));
    this.skip("space");
    return call;
  }

  protected override infix(isInList = false): Term {
    return this.nested(() => {
      const first = this.#relation(0);
      const pair = !isInList && this.is(",") ? this.attempt(() => this.#pairMember(first)) : undefined;
      let left = pair ?? first;
      if (pair === undefined) this.takeAsName();
      while (this.is("in")) {
        if (this.takeAsName()) break;
        this.scan();
        left = callOf(MEMBER, left, this.#relation(0));
        this.grow();
      }
      return left;
    });
  }

  /** From the comma of `key, value in domain` on. */
  #pairMember(key: Term): Term {
    this.scan();
    const value = this.#relation(0);
    this.expect("in");
    this.scan();
    return callOf(MEMBER_WITH_KEY, key, value, this.#relation(0));
  }

  /** Of operators that bind at least so tight. */
  #relation(least: number): Term {
    let left = this.term();
    for (;;) {
      const found = OPERATORS.get(this.kind());
      if (found === undefined || found.tightness < least) return left;
      this.scan();
      left = callOf(found.ref, left, this.#relation(found.tightness + 1));
      this.grow();
    }
  }

  /** An expression without `not`, `with` and what else makes a literal of it. */
  protected expression(): Expr {
    const left = this.infix();
    const assignment = ASSIGNMENTS.get(this.kind());
    if (assignment !== undefined) {
      this.scan();
      return { index: 0, terms: [assignment, left, this.infix()] };
    }
    return { index: 0, terms: left.type === "call" ? left.value : left };
  }
}
