/**
 * Runs a template over the variables of `strings.render_template`. As in OPA, numbers of Rego arrive as texts to Go, so
 * that they print as written and count as true even when 0. What is missing prints as `<undefined>`.
 */
import { BuiltinError, BuiltinLimit, MAX_BUILTIN_OUTPUT } from "../../builtin.ts";
import { sortedEntries } from "../../rego-value/order.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { callFunction } from "./functions.ts";
import { isTrue, MISSING, printed, type Value } from "./values.ts";
import type { Control, Node, Operand, Pipeline } from "./syntax.ts";

const MAX_STEPS = 100_000;

export function executeTemplate(nodes: readonly Node[], variables: RegoObject): string {
  const run = new Run();
  run.list(nodes, variables, [{ name: "$", value: variables }]);
  return run.output.replaceAll("<no value>", "<undefined>");
}

type Variable = { readonly name: string; value: Value };
/** How a list ended: `break` and `continue` reach the loop around it. */
type Ended = "break" | "continue" | undefined;

class Run {
  output = "";
  #steps = 0;

  list(nodes: readonly Node[], dot: Value, outer: readonly Variable[]): Ended {
    let scope = outer;
    for (const node of nodes) {
      if (++this.#steps > MAX_STEPS || this.output.length > MAX_BUILTIN_OUTPUT) {
        throw new BuiltinLimit("template: output is too large");
      }
      if (node.kind === "jump") return node.to;
      if (node.kind === "text") this.output += node.text;
      else if (node.kind === "output") {
        const value = this.#pipeline(node.pipeline, dot, scope);
        scope = declared(scope, node.pipeline, [value]);
        if (node.pipeline.variables.length === 0) this.output += printed(value);
      } else {
        const ended = node.word === "range" ? this.#range(node, dot, scope) : this.#branch(node, dot, scope);
        if (ended !== undefined) return ended;
      }
    }
    return undefined;
  }

  #branch(node: Control, dot: Value, scope: readonly Variable[]): Ended {
    const value = this.#pipeline(node.pipeline, dot, scope);
    const inner = declared(scope, node.pipeline, [value]);
    if (!isTrue(value)) return this.list(node.otherwise, dot, inner);
    return this.list(node.body, node.word === "with" ? value : dot, inner);
  }

  #range(node: Control, dot: Value, scope: readonly Variable[]): Ended {
    const value = this.#pipeline(node.pipeline, dot, scope);
    const entries = entriesOf(value);
    for (const [key, item] of entries) {
      const inner = declared(scope, node.pipeline, node.pipeline.variables.length > 1 ? [key, item] : [item]);
      const ended = this.list(node.body, item, inner);
      if (ended === "break") break;
    }
    return entries.length === 0 ? this.list(node.otherwise, dot, scope) : undefined;
  }

  #pipeline({ commands }: Pipeline, dot: Value, scope: readonly Variable[]): Value {
    let value: Value = MISSING;
    for (const [index, command] of commands.entries()) {
      const [first, ...rest] = command;
      if (first === undefined) throw new BuiltinError("template: empty command");
      const given: readonly Value[] = index === 0 ? [] : [value];
      if (first.kind === "function") {
        const values = rest.map((operand) => (): Value => this.#operand(operand, dot, scope));
        value = callFunction(first.name, [...values, ...given.map((one) => (): Value => one)]);
      } else {
        if (rest.length > 0 || given.length > 0)
          throw new BuiltinError("template: can't give argument to non-function");
        if (first.kind === "literal" && first.value === null) throw new BuiltinError("template: nil is not a command");
        value = this.#operand(first, dot, scope);
      }
    }
    return value;
  }

  #operand(operand: Operand, dot: Value, scope: readonly Variable[]): Value {
    if (operand.kind === "literal") return operand.value;
    if (operand.kind === "function") return callFunction(operand.name, []);
    const { variable, inner, fields } = operand;
    const start =
      inner !== undefined ? this.#pipeline(inner, dot, scope) : variable === "" ? dot : found(scope, variable);
    return fields.reduce(fieldOf, start);
  }
}

function declared(scope: readonly Variable[], pipeline: Pipeline, values: readonly Value[]): readonly Variable[] {
  if (!pipeline.assigns) {
    return [...scope, ...pipeline.variables.map((name, at): Variable => ({ name, value: values[at] ?? MISSING }))];
  }
  for (const [at, name] of pipeline.variables.entries()) {
    const variable = scope.findLast((one) => one.name === name);
    if (variable !== undefined) variable.value = values[at] ?? MISSING;
  }
  return scope;
}

function found(scope: readonly Variable[], name: string): Value {
  const variable = scope.findLast((one) => one.name === name);
  if (variable === undefined) throw new BuiltinError(`template: undefined variable ${name}`);
  return variable.value;
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
