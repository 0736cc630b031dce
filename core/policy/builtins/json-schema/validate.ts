/**
 * Validates a value against a compiled schema, collecting faults in the words of OPA's library. Of several alternatives
 * that all fail (`anyOf`, `oneOf`, `contains`) the faults of the one that came closest are told, by a score.
 */
import { type BuiltinCall, BuiltinLimit } from "../../builtin.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { membersOf } from "./keywords.ts";
import { closest, type Fault, Outcome, type Path } from "./outcome.ts";
import type { Schema } from "./schema.ts";
import { NormalTexts } from "./normal-json.ts";
import { commonFaults, isFound, isWhole, numberFaults, PER_DIGIT, repeatedItems, textFaults } from "./value-faults.ts";

/** Nothing bounds how often a schema may apply another one to the same value. */
const MAX_STEPS = 100_000;
const MAX_DEPTH = 400;
/** In fuel. */
const PER_STEP = 1_000;

export function validate(schema: Schema, value: RegoValue, call: BuiltinCall): readonly Fault[] {
  const outcome = new Outcome();
  new Validator(call).apply(schema, value, outcome, [], 0);
  return outcome.faults;
}

class Validator {
  #steps = 0;
  readonly #call: BuiltinCall;
  readonly #normal: NormalTexts;

  constructor(call: BuiltinCall) {
    this.#call = call;
    this.#normal = new NormalTexts(call.pay);
  }

  apply(schema: Schema, value: RegoValue, outcome: Outcome, path: Path, depth: number): void {
    if (++this.#steps > MAX_STEPS || depth > MAX_DEPTH) throw new BuiltinLimit("validation takes too long");
    this.#call.pay(PER_STEP);
    if (schema.pass !== undefined) {
      if (!schema.pass) outcome.add("false", path, "False always fails validation");
      return;
    }
    if (schema.reference !== undefined) {
      this.apply(schema.reference, value, outcome, path, depth + 1);
      return;
    }
    if (value instanceof RegoNumber) this.#call.pay(value.text.length * PER_DIGIT);
    const given = typeOf(value);
    const fits = schema.types.includes(given) || (given === "integer" && schema.types.includes("number"));
    if (schema.types.length > 0 && !fits) {
      const expected = schema.types.length > 1 ? `[${schema.types.join(",")}]` : schema.types.join("");
      outcome.add("invalid_type", path, `Invalid type. Expected: ${expected}, given: ${given}`);
      return;
    }
    this.#combinations(schema, value, outcome, path, depth);
    if (value instanceof RegoNumber) numberFaults(schema, value.text, outcome, path, this.#call.pay);
    if (isRegoArray(value)) this.#array(schema, value, outcome, path, depth);
    if (value instanceof RegoObject) this.#object(schema, value, outcome, path, depth);
    commonFaults({ schema, value, normal: this.#normal, call: this.#call }, outcome, path);
    if (value instanceof RegoObject) {
      for (const [name, property] of schema.properties) {
        const member = value.get(name);
        if (member !== undefined) this.apply(property, member, outcome, [...path, name], depth + 1);
      }
    }
    if (typeof value === "string") textFaults(schema, value, outcome, path, this.#call.pay);
    outcome.score++;
  }

  #alone(schema: Schema, value: RegoValue, path: Path, depth: number): Outcome {
    const outcome = new Outcome();
    this.apply(schema, value, outcome, path, depth + 1);
    return outcome;
  }

  #combinations(schema: Schema, value: RegoValue, outcome: Outcome, path: Path, depth: number): void {
    const alone = (one: Schema): Outcome => this.#alone(one, value, path, depth);
    if (schema.anyOf.length > 0) {
      const tried = untilValid(schema.anyOf, alone);
      if (tried.at(-1)?.isValid !== true) {
        outcome.add("number_any_of", path, "Must validate at least one schema (anyOf)");
        outcome.merge(closest(tried));
      }
    }
    if (schema.oneOf.length > 0) {
      const tried = schema.oneOf.map(alone);
      const valid = tried.filter((one) => one.isValid).length;
      if (valid !== 1) outcome.add("number_one_of", path, "Must validate one and only one schema (oneOf)");
      if (valid === 0) outcome.merge(closest(tried));
    }
    const all = schema.allOf.map(alone);
    for (const one of all) outcome.merge(one);
    if (!all.every((one) => one.isValid)) {
      outcome.add("number_all_of", path, "Must validate all the schemas (allOf)");
    }
    if (schema.not !== undefined && alone(schema.not).isValid) {
      outcome.add("number_not", path, "Must not validate the schema (not)");
    }
    if (value instanceof RegoObject) this.#dependencies(schema, value, outcome, path, depth);
    this.#condition(schema, alone, outcome, path);
    outcome.score++;
  }

  #dependencies(schema: Schema, value: RegoObject, outcome: Outcome, path: Path, depth: number): void {
    for (const [name, dependency] of schema.dependencies) {
      if (!value.has(name)) continue;
      if (!isNames(dependency)) this.apply(dependency, value, outcome, path, depth + 1);
      else
        for (const needed of dependency) {
          if (!value.has(needed)) outcome.add("missing_dependency", path, `Has a dependency on ${needed}`);
        }
    }
  }

  #condition(schema: Schema, alone: (one: Schema) => Outcome, outcome: Outcome, path: Path): void {
    if (schema.if === undefined) return;
    const holds = alone(schema.if).isValid;
    const branch = holds ? schema.then : schema.else;
    const result = branch === undefined ? undefined : alone(branch);
    if (result === undefined || result.isValid) return;
    const [type, description] = holds
      ? ["condition_then", 'Must validate "then" as "if" was valid']
      : ["condition_else", 'Must validate "else" as "if" was not valid'];
    outcome.add(type, path, description);
    outcome.merge(result);
  }

  #array(schema: Schema, items: readonly RegoValue[], outcome: Outcome, path: Path, depth: number): void {
    const { items: wanted } = schema;
    const alone = (one: Schema, at: number): Outcome =>
      this.#alone(one, items[at] ?? null, [...path, String(at)], depth);
    if (isList(wanted)) {
      for (const [at, one] of wanted.entries()) if (at < items.length) outcome.merge(alone(one, at));
      const { additionalItems } = schema;
      const hasMore = wanted.length > 0 && wanted.length < items.length;
      if (hasMore && additionalItems === false) {
        outcome.add("array_no_additional_items", path, "No additional items allowed on array");
      } else if (hasMore && typeof additionalItems === "object") {
        for (let at = wanted.length; at < items.length; at++) outcome.merge(alone(additionalItems, at));
      }
    } else if (wanted !== undefined) for (const at of items.keys()) outcome.merge(alone(wanted, at));
    const { length } = items;
    if (length < (schema.minItems ?? 0)) {
      outcome.add("array_min_items", path, `Array must have at least ${schema.minItems} items`);
    }
    if (length > (schema.maxItems ?? Infinity)) {
      outcome.add("array_max_items", path, `Array must have at most ${schema.maxItems} items`);
    }
    if (schema.uniqueItems) repeatedItems(items, this.#normal, outcome, path);
    const { contains } = schema;
    if (contains !== undefined) {
      const tried = untilValid([...items.keys()], (at) => alone(contains, at));
      if (tried.at(-1)?.isValid !== true) {
        outcome.add("contains", path, "At least one of the items must match");
        outcome.merge(closest(tried));
      }
    }
    outcome.score++;
  }

  #object(schema: Schema, value: RegoObject, outcome: Outcome, path: Path, depth: number): void {
    if (value.size < (schema.minProperties ?? 0)) {
      outcome.add("array_min_properties", path, `Must have at least ${schema.minProperties} properties`);
    }
    if (value.size > (schema.maxProperties ?? Infinity)) {
      outcome.add("array_max_properties", path, `Must have at most ${schema.maxProperties} properties`);
    }
    for (const name of schema.required) {
      if (value.has(name)) outcome.score++;
      else outcome.add("required", path, `${name} is required`);
    }
    for (const [key, member] of membersOf(value)) this.#property(schema, key, member, outcome, path, depth);
    const { propertyNames } = schema;
    for (const [key] of propertyNames === undefined ? [] : membersOf(value)) {
      const result = propertyNames === undefined ? undefined : this.#alone(propertyNames, key, path, depth);
      if (result === undefined || result.isValid) continue;
      outcome.add("invalid_property_name", path, `Property name of "${key}" does not match`);
      outcome.merge(result);
    }
    outcome.score++;
  }

  #property(schema: Schema, name: string, value: RegoValue, outcome: Outcome, path: Path, depth: number) {
    const matching = schema.patternProperties.filter(({ pattern }) => isFound(pattern, name, this.#call.pay));
    for (const one of matching) outcome.merge(this.#alone(one.schema, value, [...path, name], depth));
    if (matching.length > 0) outcome.score++;
    if (matching.length > 0 || schema.properties.has(name)) return;
    const { additionalProperties } = schema;
    if (additionalProperties === false) {
      outcome.add("additional_property_not_allowed", path, `Additional property ${name} is not allowed`);
    } else if (typeof additionalProperties === "object") {
      outcome.merge(this.#alone(additionalProperties, value, [...path, name], depth));
    }
  }
}

/** The outcomes up to the first valid one. */
function untilValid<Item>(items: readonly Item[], apply: (item: Item) => Outcome): readonly Outcome[] {
  const tried: Outcome[] = [];
  for (const item of items) {
    const outcome = apply(item);
    tried.push(outcome);
    if (outcome.isValid) break;
  }
  return tried;
}

function isList(items: Schema | readonly Schema[] | undefined): items is readonly Schema[] {
  return Array.isArray(items);
}

function isNames(dependency: Schema | readonly string[]): dependency is readonly string[] {
  return Array.isArray(dependency);
}

function typeOf(value: RegoValue): string {
  if (value === null) return "null";
  if (value instanceof RegoNumber) return isWhole(value.text) ? "integer" : "number";
  return isRegoArray(value) ? "array" : value instanceof RegoObject ? "object" : typeof value;
}
