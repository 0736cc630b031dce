/**
 * `json.unmarshal` and `json.is_valid` as Go does them: a text is one value and nothing behind it. The module's own stop at
 * the end of the first value, and trap at half a surrogate pair.
 */
import { AppError } from "../../domain/app-error.ts";
import { BuiltinError, builtinTable, type Pay, stringArg } from "../builtin.ts";
import { parseFirst, TooDeep } from "../rego-value/parse.ts";

/** In fuel, of a value that is read. */
const PER_VALUE = 1_300;

type First = ReturnType<typeof parseFirst>;

/** Undefined when it begins with no value. Bytes that are no UTF-8 are U+FFFD to Go's reader. */
function firstOf(text: string, pay: Pay): First | undefined {
  try {
    const first = parseFirst(text.toWellFormed());
    pay(first.count * PER_VALUE);
    return first;
  } catch (error) {
    if (error instanceof AppError && !(error instanceof TooDeep)) return undefined;
    throw error;
  }
}

export const JSON_TEXT = builtinTable([
  [
    "json.unmarshal",
    (args, { pay }) => {
      const first = firstOf(stringArg(args, 0), pay);
      // NB: OPA asks for the next token, and takes a `null` for none.
      if (first === undefined || (first.rest !== "" && !first.rest.startsWith("null")))
        throw new BuiltinError("invalid JSON");
      return first.value;
    },
  ],
  ["json.is_valid", ([text], { pay }) => typeof text === "string" && firstOf(text, pay)?.rest === ""],
]);
