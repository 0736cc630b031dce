/** `urlquery.*`, with Go's net/url rules (go-query.ts). */
import { BuiltinError, builtinTable, objectArg, stringArg, stringsArg } from "../builtin.ts";
import { escapeQuery, parseGoQuery, unescapePercent } from "../go-query.ts";
import { sortedEntries } from "../rego-value/order.ts";
import { RegoObject } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";

/** In fuel. */
const PER_ESCAPE = 130;
const PER_PAIR = 1_400;
const PER_NAME = 2_200;

function escapesIn(text: string): number {
  return text.split("%").length - 1;
}

export const URLQUERY = builtinTable([
  ["urlquery.encode", (args) => escapeQuery(stringArg(args, 0))],
  [
    "urlquery.decode",
    (args, { pay }) => {
      const text = stringArg(args, 0);
      pay(escapesIn(text) * PER_ESCAPE);
      const decoded = unescapePercent(text, true);
      if (decoded.kind === "bad_escape") throw new BuiltinError("invalid URL escape");
      return decoded.text;
    },
  ],
  [
    "urlquery.encode_object",
    (args) => {
      const pairs: string[] = [];
      for (const [key, value] of sortedEntries(objectArg(args, 0))) {
        const name = escapeQuery(typeof key === "string" ? key : writeJson(key));
        for (const text of stringsArg([value], 0)) pairs.push(`${name}=${escapeQuery(text)}`);
      }
      return pairs.join("&");
    },
  ],
  [
    "urlquery.decode_object",
    (args, { pay }) => {
      const text = stringArg(args, 0);
      pay(text.split("&").length * PER_PAIR + escapesIn(text) * PER_ESCAPE);
      const parsed = parseGoQuery(text);
      if (parsed.kind === "fault") throw new BuiltinError(parsed.message);
      pay(parsed.values.size * PER_NAME);
      return new RegoObject(parsed.values.entries());
    },
  ],
]);
