/** `sprintf`: OPA hands Go an integer, a double, a text, or the text of any other value; so do we (go-format). */
import {
  arrayArg,
  type Builtin,
  type BuiltinCall,
  builtinTable,
  BuiltinLimit,
  MAX_BUILTIN_OUTPUT,
  stringArg,
} from "../builtin.ts";
import { integerOf } from "../rego-value/number.ts";
import { RegoNumber, type RegoValue } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";
import { goFormat, type GoValue } from "./go-format/format.ts";

const MAX_INT64 = 2n ** 63n;

const INTEGER = /^-?\d+$/;
/** The module's own arithmetic leaves zeros behind the point (`1.5 * 2` is `3.0`), where OPA has none. */
const INTEGER_OF_MODULE = /^-?\d+(?:\.0+)?$/;

/** In fuel: of a value, and of each character of one that holds others and is written as a text. */
const PER_VALUE = 2_500;
const PER_WRITTEN_CHARACTER = 200;

function toGo(value: RegoValue, isInteger: RegExp, { pay }: BuiltinCall): GoValue {
  if (typeof value === "string") return { kind: "string", value };
  if (!(value instanceof RegoNumber)) {
    const text = writeRego(value);
    pay(text.length * PER_WRITTEN_CHARACTER);
    return { kind: "string", value: text };
  }
  const integer = isInteger.test(value.text) ? integerOf(value.text) : undefined;
  if (integer !== undefined) {
    const fits = integer >= -MAX_INT64 && integer < MAX_INT64;
    return { kind: fits ? "int64" : "*big.Int", value: integer };
  }
  const float = Number(value.text);
  const isFloat = value.text.includes(".") && Number.isFinite(float);
  return isFloat ? { kind: "float64", value: float } : { kind: "string", value: value.text };
}

function sprintf(isInteger: RegExp): Builtin {
  return (args, call) => {
    const given = arrayArg(args, 1);
    call.pay(given.length * PER_VALUE);
    const values = given.map((value) => toGo(value, isInteger, call));
    const text = goFormat(stringArg(args, 0), values, call.pay);
    if (text.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
    return text;
  };
}

export const SPRINTF = builtinTable([["sprintf", sprintf(INTEGER_OF_MODULE)]]);
/** Beside arithmetic.ts, which writes numbers as OPA does: `1.0` is a float, as it was written. */
export const SPRINTF_OF_OPA = builtinTable([["sprintf", sprintf(INTEGER)]]);
