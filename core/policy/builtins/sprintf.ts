/**
 * `sprintf`, and what `$"…"` becomes, of which the module's own writes sets and objects in the order of a hash table, and texts inside as JSON. OPA hands Go an
 * integer, a double, a text, or the text of any other value; so do we (go-format).
 */
import {
  arrayArg,
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  MAX_BUILTIN_OUTPUT,
  stringArg,
} from "../builtin.ts";
import { integerOf } from "../rego-value/number.ts";
import { RegoNumber, RegoSet, type RegoValue } from "../rego-value/value.ts";
import { writeTerm } from "../rego-value/write.ts";
import { goFormat, type GoValue } from "./go-format/format.ts";
import { goTermQuote } from "./go-format/quote.ts";

const MAX_INT64 = 2n ** 63n;

/** Also `1.0`, but no longer than Go reads it as one (`util.Atoi64`). */
const INTEGER = /^-?(?:\d+|(?=.{1,19}$)\d+\.0*)$/;

/** In fuel: of a value, and of each character of one that holds others and is written as a text. */
const PER_VALUE = 2_500;
const PER_WRITTEN_CHARACTER = 200;

function toGo(value: RegoValue, { pay }: BuiltinCall): GoValue {
  if (typeof value === "string") return { kind: "string", value };
  if (!(value instanceof RegoNumber)) {
    const text = writeTerm(value, goTermQuote);
    pay(text.length * PER_WRITTEN_CHARACTER);
    return { kind: "string", value: text };
  }
  const integer = INTEGER.test(value.text) ? integerOf(value.text) : undefined;
  if (integer !== undefined) {
    const fits = integer >= -MAX_INT64 && integer < MAX_INT64;
    return { kind: fits ? "int64" : "*big.Int", value: integer };
  }
  const float = Number(value.text);
  const isFloat = value.text.includes(".") && Number.isFinite(float);
  return isFloat ? { kind: "float64", value: float } : { kind: "string", value: value.text };
}

const sprintf: Builtin = (args, call) => {
  const given = arrayArg(args, 1);
  call.pay(given.length * PER_VALUE);
  const values = given.map((value) => toGo(value, call));
  const text = goFormat(stringArg(args, 0), values, call.pay);
  if (text.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
  return text;
};

/** A part is a text, or a set of what stands between braces, empty where that is undefined. */
function templatePart(part: RegoValue, { pay }: BuiltinCall): string {
  const items = part instanceof RegoSet ? part.items : [part];
  if (items.length > 1) throw new BuiltinError("template-strings must not produce multiple outputs");
  const [value = "<undefined>"] = items;
  if (typeof value === "string") return value;
  const text = writeTerm(value, goTermQuote);
  pay(text.length * PER_WRITTEN_CHARACTER);
  return text;
}

export const TEMPLATE_STRING = builtinTable([
  [
    "internal.template_string",
    (args, call) => {
      const text = arrayArg(args, 0)
        .map((part) => templatePart(part, call))
        .join("");
      if (text.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
      return text;
    },
  ],
]);

export const SPRINTF = builtinTable([["sprintf", sprintf]]);
