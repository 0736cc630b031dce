/**
 * Built-ins for which a compiled module would give another answer than OPA: in compatibility mode the host answers them
 * (wasm/redirect-functions.ts), so that a policy that ran under opa-envoy-plugin sees the same digits, bytes and faults. Native policies keep the
 * module's own where it answers as OPA does (native-builtins.ts).
 */
import type { BuiltinTable } from "./builtin.ts";
import { ARITHMETIC } from "./builtins/arithmetic.ts";
import { BASE64 } from "./builtins/base64.ts";
import { BITS } from "./builtins/bits.ts";
import { CIDR_CONTAINS } from "./builtins/cidr-contains.ts";
import { GLOB_MATCH } from "./builtins/glob-match.ts";
import { JSON_TEXT } from "./builtins/json-text.ts";
import { NUMBER_TEXT } from "./builtins/number-text.ts";
import { OBJECT_PATHS } from "./builtins/object-paths.ts";
import { REGEX } from "./builtins/regex.ts";
import { SEARCH } from "./builtins/search.ts";
import { TEMPLATE_STRING } from "./builtins/sprintf.ts";
import { STRINGS } from "./builtins/strings.ts";
import type { Redirection } from "./wasm/redirect-functions.ts";

type Answer = Pick<Redirection, "runtimeName" | "parameters" | "onlyFor" | "at"> & { readonly builtin: string };

/** By the names in OPA's `internal/compiler/wasm/wasm.go`. */
const ANSWERS: readonly Answer[] = [
  { runtimeName: "opa_json_marshal", builtin: "json.marshal", parameters: 1 },
  { runtimeName: "opa_template_string", builtin: "internal.template_string", parameters: 1 },
  { runtimeName: "opa_arith_plus", builtin: "plus", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_arith_minus", builtin: "minus", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_arith_multiply", builtin: "mul", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_arith_divide", builtin: "div", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_arith_rem", builtin: "rem", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_arith_abs", builtin: "abs", parameters: 1, onlyFor: "number" },
  { runtimeName: "opa_arith_round", builtin: "round", parameters: 1, onlyFor: "number" },
  { runtimeName: "opa_arith_ceil", builtin: "ceil", parameters: 1, onlyFor: "number" },
  { runtimeName: "opa_arith_floor", builtin: "floor", parameters: 1, onlyFor: "number" },
  { runtimeName: "opa_agg_sum", builtin: "sum", parameters: 1 },
  { runtimeName: "opa_agg_product", builtin: "product", parameters: 1 },
  { runtimeName: "opa_strings_format_int", builtin: "format_int", parameters: 2, onlyFor: "number" },
  { runtimeName: "opa_to_number", builtin: "to_number", parameters: 1, onlyFor: "string" },
  { runtimeName: "opa_agg_count", builtin: "count", parameters: 1, onlyFor: "string" },
  { runtimeName: "opa_base64_is_valid", builtin: "base64.is_valid", parameters: 1 },
  { runtimeName: "opa_base64_decode", builtin: "base64.decode", parameters: 1 },
  { runtimeName: "opa_base64_url_decode", builtin: "base64url.decode", parameters: 1 },
  { runtimeName: "opa_regex_is_valid", builtin: "regex.is_valid", parameters: 1 },
  { runtimeName: "opa_regex_match", builtin: "regex.match", parameters: 2 },
  {
    ...{ runtimeName: "opa_regex_find_all_string_submatch", parameters: 3 },
    builtin: "regex.find_all_string_submatch_n",
  },
  { runtimeName: "opa_strings_concat", builtin: "concat", parameters: 2, onlyFor: "set", at: 1 },
  { runtimeName: "opa_json_unmarshal", builtin: "json.unmarshal", parameters: 1 },
  { runtimeName: "opa_json_is_valid", builtin: "json.is_valid", parameters: 1 },
  { runtimeName: "opa_strings_indexof", builtin: "indexof", parameters: 2 },
  { runtimeName: "opa_strings_replace", builtin: "replace", parameters: 3 },
  { runtimeName: "opa_strings_replace_n", builtin: "strings.replace_n", parameters: 2 },
  { runtimeName: "opa_glob_match", builtin: "glob.match", parameters: 3 },
  { runtimeName: "opa_bits_and", builtin: "bits.and", parameters: 2 },
  { runtimeName: "opa_bits_or", builtin: "bits.or", parameters: 2 },
  { runtimeName: "opa_bits_xor", builtin: "bits.xor", parameters: 2 },
  { runtimeName: "opa_bits_negate", builtin: "bits.negate", parameters: 1 },
  { runtimeName: "opa_bits_shiftleft", builtin: "bits.lsh", parameters: 2 },
  { runtimeName: "opa_bits_shiftright", builtin: "bits.rsh", parameters: 2 },
  { runtimeName: "builtin_json_filter", builtin: "json.filter", parameters: 2 },
  { runtimeName: "builtin_json_remove", builtin: "json.remove", parameters: 2 },
  { runtimeName: "builtin_object_union_n", builtin: "object.union_n", parameters: 1 },
  { runtimeName: "opa_cidr_contains", builtin: "net.cidr_contains", parameters: 2 },
  { runtimeName: "opa_cidr_intersects", builtin: "net.cidr_intersects", parameters: 2 },
];

/** Above every number that a compiler gives out. */
const FIRST_ID = 1_000_000;

export const OPA_REDIRECTIONS: readonly Redirection[] = ANSWERS.map((answer, at) => ({
  ...answer,
  builtinId: FIRST_ID + at,
}));

export const OPA_ANSWERS_BY_ID: ReadonlyMap<number, string> = new Map(
  ANSWERS.map(({ builtin }, at) => [FIRST_ID + at, builtin]),
);

export const OPA_ANSWERS: BuiltinTable = new Map(
  [
    ARITHMETIC,
    BASE64,
    BITS,
    CIDR_CONTAINS,
    GLOB_MATCH,
    JSON_TEXT,
    NUMBER_TEXT,
    OBJECT_PATHS,
    REGEX,
    SEARCH,
    STRINGS,
    TEMPLATE_STRING,
  ].flatMap((table) => [...table]),
);
