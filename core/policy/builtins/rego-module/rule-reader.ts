/**
 * Rules as Rego v1 has them: `if` before each body, `contains` for sets, `else`, `default`. A statement without a body is read
 * as an expression and then taken for a rule, as OPA does it: `p := 1`, `f(x) = y`.
 */
import { isBuiltinName } from "./builtin-names.ts";
import { isLanguageWord } from "./cursor.ts";
import { LiteralReader } from "./literal-reader.ts";
import {
  ALWAYS,
  type Body,
  dotted,
  type Head,
  isConstant,
  isGround,
  isTerms,
  type Rule,
  type Term,
  TRUE,
} from "./syntax.ts";
import { fault } from "./tokens.ts";

const BINARY = ["+", "-", "*", "/", "%", "&", "|", "==", "!=", ">", ">=", "<", "<="];

export class RuleReader extends LiteralReader {
  /** One, or one for each body that follows. */
  protected rules(): readonly Rule[] {
    const { state } = this;
    const rules = this.#withBodies();
    if (rules !== undefined) return rules;
    this.state = state;
    return [this.#fromExpression()];
  }

  #withBodies(): readonly Rule[] | undefined {
    this.takeAsName();
    const isDefault = this.skip("default");
    if (isDefault) this.takeAsName();
    if (!this.is("identifier")) return undefined;
    const head = this.#head();
    if (head === undefined) return undefined;
    if (isDefault) return [defaultRule(head)];
    if (this.is("if")) return this.#conditional(head.key === undefined ? dynamic(head) : head);
    if (this.is("{")) throw this.unexpected("`if` keyword is required before rule body");
    return head.value === undefined && head.key !== undefined ? [{ head, body: ALWAYS }] : undefined;
  }

  #head(): Head | undefined {
    const term = this.#headTerm(this.variable());
    const [name, args] = term.type === "call" ? [term.value[0], term.value.slice(1)] : [term, undefined];
    if (name?.type !== "var" && name?.type !== "ref") return undefined;
    const ref = name.type === "ref" ? name.value : [name];
    if (args !== undefined && ref[0]?.type !== "var") throw this.unexpected("rule head ref invalid");
    const head = headOf(ref, args);
    if (this.is("contains")) {
      if (args !== undefined) throw this.unexpected("contains is for rules without arguments");
      this.scan();
      return { ...head, key: this.infix() };
    }
    if (this.is(":=", "=")) return { ...head, ...this.#value() };
    return ref.length === 2 && head.args === undefined ? head : { ...head, value: TRUE };
  }

  /** Behind `:=` or `=`. */
  #value(): Pick<Head, "value" | "assign"> {
    const isAssigned = this.is(":=");
    this.scan();
    return { value: this.infix(), ...(isAssigned && { assign: true }) };
  }

  /** Here a space may stand before what goes on with the reference. */
  #headTerm(name: Term): Term {
    this.scanSpace();
    if (this.is(...BINARY)) throw this.unexpected("no rule head");
    this.skip("space");
    if (this.is("(", ".", "[")) return this.reference(name);
    return name.value === "data" || name.value === "input" ? { type: "ref", value: [name] } : name;
  }

  #conditional(head: Head): readonly Rule[] {
    this.scan();
    const body = this.#condition();
    const rule = this.is("else") && !this.takeAsName() ? { head, body, else: this.#elseOf(head) } : { head, body };
    const rules: Rule[] = [rule];
    while (this.is("{")) {
      if ("else" in rule) throw this.unexpected("expected else keyword");
      const next = this.#bracedBody();
      rules.push({ head: this.#withOtherWildcards(head), body: next });
    }
    return rules;
  }

  /** Braces after `if` are those of a body unless they begin an expression; a set of its own would always be true. */
  #condition(): Body {
    if (!this.is("{")) return [this.literal()];
    const { state } = this;
    const literal = this.attempt(() => this.literal());
    const isSet =
      literal !== undefined && "value" in literal.terms && "type" in literal.terms && literal.terms.type === "set";
    if (literal !== undefined && !isSet) return [literal];
    this.state = state;
    return this.#bracedBody();
  }

  #bracedBody(): Body {
    this.scan();
    const body = this.body("}");
    this.scan();
    return body;
  }

  #elseOf(head: Head): Rule {
    if (head.key !== undefined || !isGround(head.ref.slice(1)))
      throw this.unexpected("no else for rules of many values");
    return this.#else(head);
  }

  #else(first: Head): Rule {
    return this.nested(() => {
      const renamed = this.#withOtherWildcards(first);
      this.scan();
      const head = this.#elseHead(renamed);
      if (this.is("{")) throw this.unexpected("`if` keyword is required before rule body");
      if (!this.skip("if")) return { head, body: ALWAYS };
      const body = this.is("{") ? this.#bracedBody() : [this.literal()];
      return this.is("else") ? { head, body, else: this.#else(first) } : { head, body };
    });
  }

  #elseHead({ assign, ...head }: Head): Head {
    if (this.is(":=", "=")) return { ...head, ...this.#value() };
    if (!this.is("if")) throw this.unexpected("expected else value term or rule body");
    return { ...head, ...(assign && { assign }), value: TRUE };
  }

  /** Of the arguments: they are other variables in each rule. */
  #withOtherWildcards(head: Head): Head {
    if (head.args === undefined) return head;
    const args = head.args.map((arg): Term => {
      return arg.type === "var" && arg.value.startsWith("$") ? { type: "var", value: this.wildcard() } : arg;
    });
    return { ...head, args };
  }

  #fromExpression(): Rule {
    const { terms, negated, with: withs } = this.literal();
    if (this.is(";") || negated || withs !== undefined || !isTerms(terms)) throw this.unexpected("no rule");
    const [operator, left, right] = terms;
    const name = dotted(operator);
    if (name !== "eq" && name !== "assign") {
      const [callee, ...args] = terms;
      if (args.length === 0 || (name !== undefined && isBuiltinName(name))) throw this.unexpected("no rule name");
      return { head: { ...headOf(refOfName(callee), args), value: TRUE }, body: ALWAYS };
    }
    if (left === undefined || right === undefined) throw this.unexpected("assignment requires two operands");
    const head = { ...headOfValue(left), value: right };
    return { head: name === "assign" ? { ...head, assign: true } : head, body: ALWAYS };
  }
}

function headOf(ref: readonly Term[], args: readonly Term[] = []): Head {
  const [name] = ref;
  const named = ref.length === 1 && name?.type === "var" ? { name: name.value } : {};
  if (named.name !== undefined && isLanguageWord(named.name)) throw fault("a keyword cannot be used for a rule name");
  return { ...named, ref, ...(args.length > 0 && { args }) };
}

/** What `p[x] = y` and its like are rules of. */
function headOfValue(left: Term): Head {
  if (left.type === "call") {
    const [callee, ...args] = left.value;
    return headOf(refOfName(callee), args);
  }
  const ref = refOfName(left);
  const [name, key] = ref;
  const isMember = ref.length === 2 && name?.type === "var" && key !== undefined;
  return isMember ? { ...headOf(ref), name: name.value, key } : headOf(ref);
}

function refOfName(term: Term | undefined): readonly Term[] {
  const ref = term?.type === "ref" ? term.value : term?.type === "var" ? [term] : [];
  if (ref[0]?.type !== "var") throw fault("invalid rule head");
  return ref;
}

/** `p[x] if`: with a variable the rule has a key. */
function dynamic(head: Head): Head {
  const [name, member, ...more] = head.ref;
  if (name === undefined || member === undefined || more.length > 0) return head;
  const isOfMany = head.args === undefined && (member.type === "ref" || !isGround(member));
  const keyed = isOfMany ? { ...head, key: member } : head;
  if (head.value === undefined) return { ...keyed, value: TRUE };
  if (name.type !== "var") throw fault("invalid rule head");
  return { ...keyed, name: name.value };
}

function defaultRule(head: Head): Rule {
  if (head.value === undefined || !isConstant(head.value)) throw fault("illegal default rule");
  const names = (head.args ?? []).map((arg) => (arg.type === "var" ? arg.value : undefined));
  if (names.includes(undefined) || new Set(names).size < names.length) throw fault("illegal default rule");
  return { default: true, head, body: ALWAYS };
}
