/** `uri.parse` and `uri.is_valid`, with Go's net/url rules (go-url.ts). Parts that are empty are left out. */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { RegoObject } from "../rego-value/value.ts";
import { hostAndPort, parseGoUrl } from "./go-url.ts";

export const URI = builtinTable([
  [
    "uri.parse",
    (args) => {
      const url = parseGoUrl(stringArg(args, 0));
      const { hostname, port } = hostAndPort(url);
      const parts: [string, string][] = [
        ["scheme", url.scheme],
        ["hostname", hostname],
        ["port", port],
        ["path", url.path],
        ["raw_path", url.rawPath || url.path],
        ["raw_query", url.rawQuery],
        ["fragment", url.fragment],
      ];
      return new RegoObject(parts.filter(([, text]) => text !== ""));
    },
  ],
  [
    "uri.is_valid",
    ([text]) => {
      if (typeof text !== "string" || text === "") return false;
      try {
        parseGoUrl(text);
        return true;
      } catch (error) {
        if (error instanceof BuiltinError) return false;
        throw error;
      }
    },
  ],
]);
