/**
 * The `cast_*` built-ins, which only old Rego (v0) still calls: a value of the right type is itself, anything else an
 * error; arrays and sets turn into each other. And `internal.print`, whose output goes nowhere here.
 */
import { type Builtin, builtinTable, itemsArg, wrongType } from "../builtin.ts";
import { regoSet } from "../rego-value/order.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";

function only(kind: string, isKind: (value: RegoValue) => boolean): Builtin {
  return ([value = null]) => {
    if (!isKind(value)) throw wrongType(0, kind);
    return value;
  };
}

export const CASTS = builtinTable([
  ["cast_array", (args) => itemsArg(args, 0)],
  ["cast_set", (args) => regoSet(itemsArg(args, 0))],
  ["cast_string", only("string", (value) => typeof value === "string")],
  ["cast_boolean", only("boolean", (value) => typeof value === "boolean")],
  ["cast_null", only("null", (value) => value === null)],
  ["cast_object", only("object", (value) => value instanceof RegoObject)],
  ["internal.print", () => true],
]);
