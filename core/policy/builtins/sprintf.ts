/** `sprintf`: OPA hands Go an integer, a double, a text, or the text of any other value; so do we (go-format). */
import { arrayArg, builtinTable, BuiltinLimit, MAX_BUILTIN_OUTPUT, stringArg } from "../builtin.ts";
import { integerOf } from "../rego-value/number.ts";
import { RegoNumber, type RegoValue } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";
import { goFormat, type GoValue } from "./go-format/format.ts";

const MAX_INT64 = 2n ** 63n;

function toGo(value: RegoValue): GoValue {
  if (typeof value === "string") return { kind: "string", value };
  if (!(value instanceof RegoNumber)) return { kind: "string", value: writeRego(value) };
  const isInteger = /^-?\d+(?:\.0+)?$/.test(value.text);
  const integer = isInteger ? integerOf(value.text) : undefined;
  if (integer !== undefined) {
    const fits = integer >= -MAX_INT64 && integer < MAX_INT64;
    return { kind: fits ? "int64" : "*big.Int", value: integer };
  }
  const float = Number(value.text);
  const isFloat = value.text.includes(".") && Number.isFinite(float);
  return isFloat ? { kind: "float64", value: float } : { kind: "string", value: value.text };
}

export const SPRINTF = builtinTable([
  [
    "sprintf",
    (args) => {
      const text = goFormat(stringArg(args, 0), arrayArg(args, 1).map(toGo));
      if (text.length > MAX_BUILTIN_OUTPUT) throw new BuiltinLimit("result is too large");
      return text;
    },
  ],
]);
