/**
 * The built-ins that OPA compiles into a module itself, so that the host is not asked, by who sees one of them fail. A call that
 * fails leaves its rule undefined, and an undefined deny opens a door, so each of them is in one of three lists
 * (scripts/bundle/native-builtins.test.ts holds them against the compiler):
 *
 * - `INFALLIBLE`: has an answer whatever it is given.
 * - `WATCHED`: where the module has none, the host is asked what that means (wasm/redirect-functions.ts). It is a failure like
 *   that of a built-in of its own, which ends a native evaluation with `policy_error`; so `count(input.parsed_body.items)` denies
 *   where `items` is a number, and costs nothing where it is a list.
 *   Some the host answers altogether (`ANSWERS`): the module's regular expressions are those of an old RE2 without `(?<name>…)`, end at
 *   a NUL and a large Unicode class costs them a whole budget, and it joins sets in the order of a hash table.
 *   Where it goes wrong only for some values it is left those that policies mostly have: integers in arithmetic, IPv4 in networks.
 * - `UNSEEN`: reads a text, and that this is no number or no address may be what a policy wants to know. It stays undefined, and
 *   the build check refuses it where a denial depends on it, unless the package says that nothing does
 *   (scripts/bundle/check-policies.ts).
 *
 * In compatibility mode all of them stay undefined, as OPA has it.
 */
import { type Builtin, BuiltinError, type BuiltinTable } from "./builtin.ts";
import { STRICT_NET } from "./builtins/net.ts";
import { STRICT_OBJECT } from "./builtins/object.ts";
import { OPA_ANSWERS } from "./opa-answers.ts";
import { isRegoArray, RegoNumber, RegoObject, RegoSet, type RegoValue } from "./rego-value/value.ts";
import type { Redirection } from "./wasm/redirect-functions.ts";

export const INFALLIBLE: ReadonlySet<string> = new Set([
  ...["assign", "eq", "equal", "neq", "lt", "lte", "gt", "gte", "internal.member_2", "internal.member_3", "walk"],
  ...["is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name"],
  ...["base64.is_valid", "json.is_valid", "regex.is_valid", "json.marshal"],
  // What the compiler writes itself, or takes out.
  ...["print", "internal.template_string", "internal.test_case"],
  ...["rego.metadata.chain", "rego.metadata.rule"],
]);

export const UNSEEN: ReadonlySet<string> = new Set([
  ...["to_number", "json.unmarshal", "base64.decode", "base64url.decode"],
  ...["net.cidr_contains", "net.cidr_intersects", "net.cidr_overlap"],
]);

type Special = Pick<Redirection, "onlyFor" | "notFor" | "at" | "onlyBeyond">;
type Watched = Special & Pick<Redirection, "runtimeName" | "parameters"> & { readonly builtins: readonly string[] };

function watched(
  parameters: 1 | 2 | 3,
  names: { readonly [runtimeName: string]: string },
  special: Special = {},
): readonly Watched[] {
  const entries = Object.entries(names);
  return entries.map(([runtimeName, text]) => ({ runtimeName, parameters, ...special, builtins: text.split(" ") }));
}

/** By the names in OPA's `internal/compiler/wasm/wasm.go`. */
const WATCHES: readonly Watched[] = [
  ...watched(1, {
    ...{ opa_agg_count: "count", opa_agg_max: "max", opa_agg_min: "min" },
    ...{ opa_agg_sort: "sort", opa_agg_all: "all", opa_agg_any: "any" },
    ...{ opa_array_flatten: "array.flatten", opa_array_reverse: "array.reverse" },
    ...{ opa_base64_encode: "base64.encode", opa_base64_url_encode: "base64url.encode" },
    ...{ builtin_object_keys: "object.keys" },
    ...{ opa_sets_intersection: "intersection", opa_sets_union: "union", opa_strings_reverse: "strings.reverse" },
    ...{ opa_strings_lower: "lower", opa_strings_trim_space: "trim_space", opa_strings_upper: "upper" },
  }),
  ...watched(2, {
    ...{
      opa_numbers_range: "numbers.range",
      opa_array_concat: "array.concat",
      builtin_graph_reachable: "graph.reachable",
      // `-` of what are no numbers is that of sets. Served by its own name, as `minus` has an answer for numbers and `set_diff(2, 1)` none; shown as `minus`.
      opa_set_diff: "set_diff minus",
    },
    ...{ opa_set_intersection: "and", opa_set_union: "or", builtin_object_filter: "object.filter" },
    ...{ builtin_object_remove: "object.remove", builtin_object_union: "object.union" },
    ...{ builtin_json_filter: "json.filter", builtin_json_remove: "json.remove" },
    ...{ opa_strings_contains: "contains", opa_strings_endswith: "endswith" },
    ...{ opa_strings_split: "split", opa_strings_startswith: "startswith" },
    ...{ opa_strings_trim: "trim", opa_strings_trim_left: "trim_left" },
    ...{ opa_strings_trim_prefix: "trim_prefix", opa_strings_trim_right: "trim_right" },
    ...{ opa_strings_trim_suffix: "trim_suffix" },
  }),
  ...watched(3, {
    ...{ opa_array_slice: "array.slice", builtin_object_get: "object.get" },
    ...{ opa_strings_substring: "substring" },
  }),
  // What is joined in the order of an array is quicker where it is.
  { runtimeName: "opa_strings_concat", parameters: 2, builtins: ["concat"], onlyFor: "set", at: 1 },
  { runtimeName: "builtin_object_union_n", parameters: 1, builtins: ["object.union_n"], notFor: "array" },
  // Integers are computed with by the module; it has other decimals than OPA.
  ...watched(
    1,
    { opa_arith_abs: "abs", opa_arith_ceil: "ceil", opa_arith_floor: "floor", opa_arith_round: "round" },
    { onlyFor: "number", onlyBeyond: "whole" },
  ),
  ...watched(
    2,
    {
      ...{ opa_arith_divide: "div", opa_arith_minus: "minus", opa_arith_multiply: "mul", opa_arith_plus: "plus" },
      ...{ opa_arith_rem: "rem" },
    },
    { onlyFor: "number", onlyBeyond: "whole" },
  ),
];

const ANSWERS: readonly Watched[] = [
  ...watched(1, {
    ...{ opa_json_marshal: "json.marshal", opa_json_unmarshal: "json.unmarshal", opa_json_is_valid: "json.is_valid" },
    ...{ opa_regex_is_valid: "regex.is_valid", opa_base64_is_valid: "base64.is_valid" },
    ...{ opa_bits_negate: "bits.negate" },
  }),
  ...watched(1, { opa_agg_product: "product", opa_agg_sum: "sum" }, { onlyBeyond: "wholes" }),
  ...watched(1, { opa_template_string: "internal.template_string" }, { onlyBeyond: "scalar parts" }),
  ...watched(1, { opa_to_number: "to_number" }, { onlyFor: "string" }),
  ...watched(1, { opa_base64_decode: "base64.decode", opa_base64_url_decode: "base64url.decode" }),
  ...watched(2, {
    ...{ opa_regex_match: "regex.match re_match" },
    ...{ opa_strings_indexof: "indexof", opa_strings_replace_n: "strings.replace_n" },
    ...{ opa_bits_and: "bits.and", opa_bits_or: "bits.or", opa_bits_xor: "bits.xor" },
    ...{ opa_bits_shiftleft: "bits.lsh", opa_bits_shiftright: "bits.rsh", opa_strings_format_int: "format_int" },
  }),
  ...watched(
    2,
    { opa_cidr_contains: "net.cidr_contains net.cidr_overlap", opa_cidr_intersects: "net.cidr_intersects" },
    { onlyBeyond: "IPv4" },
  ),
  ...watched(3, {
    ...{ opa_glob_match: "glob.match", opa_strings_replace: "replace" },
    ...{ opa_regex_find_all_string_submatch: "regex.find_all_string_submatch_n" },
  }),
];

export const WATCHED: ReadonlySet<string> = new Set(
  [...WATCHES, ...ANSWERS]
    .flatMap(({ builtins }) => builtins)
    .filter((name) => !INFALLIBLE.has(name) && !UNSEEN.has(name)),
);

/** Above every number that a compiler gives out, and apart from those of opa-answers.ts. */
const FIRST_ID = 2_000_000;

export const WATCHING: readonly Redirection[] = [...WATCHES, ...ANSWERS].map((redirection, place) => ({
  ...redirection,
  ...{ builtinId: FIRST_ID + place, onlyAfterFailure: place < WATCHES.length },
}));

/** Those that are answered, too. */
export const WATCHED_BY_ID: ReadonlyMap<number, string> = new Map(
  [...WATCHES, ...ANSWERS].map(({ builtins }, at) => [FIRST_ID + at, builtins[0] ?? ""]),
);

/** What the host says to a call that has no answer, or in place of the module. NB: one that it serves itself goes before: another compiler may import it. */
const FAILURES: BuiltinTable = new Map([
  ...WATCHES.map(
    ({ builtins: [name = "", shownAs], onlyFor, notFor }) =>
      [name, ((onlyFor ?? notFor) && OPA_ANSWERS.get(name)) || failureOf(name, shownAs)] as const,
  ),
  ...ANSWERS.flatMap(({ builtins: [name = ""] }) => {
    const answer = OPA_ANSWERS.get(name);
    return answer === undefined ? [] : [[name, UNSEEN.has(name) ? quiet(answer) : answer] as const];
  }),
]);

/** Where OPA's answer could switch a denial off or make an allow. Compatibility mode keeps it. */
const STRICT: BuiltinTable = new Map([...STRICT_NET, ...STRICT_OBJECT]);

/** What a native policy calls. `served`: by this host. */
export function nativeBuiltins(served: BuiltinTable): BuiltinTable {
  return new Map([...FAILURES, ...served, ...STRICT]);
}

function quiet(builtin: Builtin): Builtin {
  return (args, call) => {
    try {
      return builtin(args, call);
    } catch (error) {
      if (error instanceof BuiltinError) return undefined;
      throw error;
    }
  };
}

function failureOf(name: string, shownAs: string | undefined): Builtin {
  return (args) => {
    if (HAVE_NO_GREATEST.has(name) && isEmpty(args[0])) return undefined;
    throw new BuiltinError(`it has no answer for ${args.map(kindOf).join(", ")}; test what it is given first`, {
      ...(shownAs === undefined ? {} : { shownAs }),
    });
  };
}

/** Of nothing there is no greatest, which OPA does not count among errors. */
const HAVE_NO_GREATEST = new Set(["max", "min"]);

function isEmpty(value: RegoValue | undefined): boolean {
  return value instanceof RegoSet ? value.items.length === 0 : isRegoArray(value) && value.length === 0;
}

/** NB: not the value, which may be anybody's secret. */
function kindOf(value: RegoValue): string {
  if (value === null) return "null";
  if (value instanceof RegoNumber) return "number";
  if (value instanceof RegoObject) return "object";
  if (value instanceof RegoSet) return "set";
  return isRegoArray(value) ? "array" : typeof value;
}
