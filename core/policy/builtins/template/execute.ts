/**
 * Runs a template over the variables of `strings.render_template`. As in OPA, numbers of Rego arrive as texts to Go, so
 * that they print as written and count as true even when 0. What is missing prints as `<undefined>`.
 */
import { BuiltinError, BuiltinLimit, MAX_BUILTIN_OUTPUT, type Pay } from "../../builtin.ts";
import { sortedEntries } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { callFunction } from "./functions.ts";
import { isTrue, MISSING, printed, type Value } from "./values.ts";
import type { Control, Node, Operand, Pipeline } from "./syntax.ts";
import { Variables } from "./variables.ts";

const MAX_STEPS = 100_000;
/** In fuel: the first time is in the price, but not what runs again and again. */
const PER_STEP = 800;
const PER_OPERAND = 500;
/** Of each member that a `range` lays out, whether it comes to it or not. */
const PER_MEMBER = 800;

export function executeTemplate(nodes: readonly Node[], variables: RegoObject, pay: Pay): string {
  const run = new Run(variables, pay);
  run.list(nodes, variables);
  return run.output.replaceAll("<no value>", "<undefined>");
}

/** How a list ended: `break` and `continue` reach the loop around it. */
type Ended = "break" | "continue" | undefined;

class Run {
  output = "";
  #steps = 0;
  readonly #variables = new Variables<Value>();
  readonly #pay: Pay;

  constructor(root: RegoObject, pay: Pay) {
    this.#variables.declare("$", root);
    this.#pay = pay;
  }

  /** What it declares ends with it. */
  list(nodes: readonly Node[], dot: Value): Ended {
    const before = this.#variables.mark();
    const ended = this.#nodes(nodes, dot);
    this.#variables.backTo(before);
    return ended;
  }

  #nodes(nodes: readonly Node[], dot: Value): Ended {
    for (const node of nodes) {
      this.#pay(PER_STEP);
      if (++this.#steps > MAX_STEPS || this.output.length > MAX_BUILTIN_OUTPUT) {
        throw new BuiltinLimit("template: output is too large");
      }
      if (node.kind === "jump") return node.to;
      if (node.kind === "text") this.output += node.text;
      else if (node.kind === "output") {
        const value = this.#pipeline(node.pipeline, dot);
        this.#declare(node.pipeline, [value]);
        if (node.pipeline.variables.length === 0) this.output += printed(value);
      } else {
        const ended = this.#control(node, dot);
        if (ended !== undefined) return ended;
      }
    }
    return undefined;
  }

  #control(node: Control, dot: Value): Ended {
    const before = this.#variables.mark();
    const ended = node.word === "range" ? this.#range(node, dot) : this.#branch(node, dot);
    this.#variables.backTo(before);
    return ended;
  }

  #branch(node: Control, dot: Value): Ended {
    const value = this.#pipeline(node.pipeline, dot);
    this.#declare(node.pipeline, [value]);
    if (!isTrue(value)) return this.list(node.otherwise, dot);
    return this.list(node.body, node.word === "with" ? value : dot);
  }

  #range(node: Control, dot: Value): Ended {
    const entries = entriesOf(this.#pipeline(node.pipeline, dot));
    this.#pay(entries.length * PER_MEMBER);
    const before = this.#variables.mark();
    for (const [key, item] of entries) {
      this.#declare(node.pipeline, node.pipeline.variables.length > 1 ? [key, item] : [item]);
      const ended = this.list(node.body, item);
      this.#variables.backTo(before);
      if (ended === "break") break;
    }
    return entries.length === 0 ? this.list(node.otherwise, dot) : undefined;
  }

  #pipeline({ commands }: Pipeline, dot: Value): Value {
    let value: Value = MISSING;
    for (const [index, command] of commands.entries()) {
      this.#pay(command.length * PER_OPERAND);
      const [first, ...rest] = command;
      if (first === undefined) throw new BuiltinError("template: empty command");
      const given: readonly Value[] = index === 0 ? [] : [value];
      if (first.kind === "function") {
        const values = rest.map((operand) => (): Value => this.#operand(operand, dot));
        value = callFunction(first.name, [...values, ...given.map((one) => (): Value => one)], this.#pay);
      } else {
        if (rest.length > 0 || given.length > 0)
          throw new BuiltinError("template: can't give argument to non-function");
        if (first.kind === "literal" && first.value === null) throw new BuiltinError("template: nil is not a command");
        value = this.#operand(first, dot);
      }
    }
    return value;
  }

  #operand(operand: Operand, dot: Value): Value {
    if (operand.kind === "literal") return operand.value;
    if (operand.kind === "function") return callFunction(operand.name, [], this.#pay);
    const { variable, inner, fields } = operand;
    const start = inner !== undefined ? this.#pipeline(inner, dot) : variable === "" ? dot : this.#found(variable);
    return fields.reduce(fieldOf, start);
  }

  #declare({ variables, assigns }: Pipeline, values: readonly Value[]): void {
    for (const [at, name] of variables.entries()) {
      const value = values[at] ?? MISSING;
      if (!assigns) this.#variables.declare(name, value);
      else {
        const variable = this.#variables.find(name);
        if (variable !== undefined) variable.value = value;
      }
    }
  }

  #found(name: string): Value {
    const variable = this.#variables.find(name);
    if (variable === undefined) throw new BuiltinError(`template: undefined variable ${name}`);
    return variable.value;
  }
}

function fieldOf(value: Value, name: string): Value {
  if (value === MISSING) return MISSING;
  if (value instanceof RegoObject) return value.get(name) ?? MISSING;
  throw new BuiltinError(`template: can't evaluate field ${name}`);
}

function entriesOf(value: Value): readonly (readonly [Value, Value])[] {
  if (value === MISSING || value === null) return [];
  if (typeof value === "bigint") return Array.from({ length: limited(value) }, (_, at) => [BigInt(at), BigInt(at)]);
  if (value instanceof RegoObject) return sortedEntries(value);
  if (isList(value)) return value.map((item, at) => [BigInt(at), item] as const);
  throw new BuiltinError("template: range can't iterate over a value");
}

function isList(value: Value): value is readonly RegoValue[] {
  return typeof value === "object" && value !== null && !(value instanceof RegoNumber) && isRegoArray(value);
}

function limited(count: bigint): number {
  if (count > BigInt(MAX_STEPS)) throw new BuiltinLimit("template: range is too long");
  return Math.max(Number(count), 0);
}
