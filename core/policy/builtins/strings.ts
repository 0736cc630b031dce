/** String built-ins that compiled modules leave to the host. Positions count code points, as in OPA. */
import { arrayArg, builtinTable, BuiltinError, objectArg, smallIntegerArg, stringArg, stringsArg } from "../builtin.ts";
import { regoInteger } from "../rego-value/value.ts";
import { executeTemplate } from "./template/execute.ts";
import { parseTemplate } from "./template/syntax.ts";

/** Start positions (code points) of `search` in `text`; occurrences may overlap. */
function positions(text: string, search: string): number[] {
  const chars = [...text];
  const wanted = [...search];
  if (wanted.length === 0) throw new BuiltinError("empty search character");
  const found: number[] = [];
  for (let at = 0; at + wanted.length <= chars.length; at++) {
    if (wanted.every((char, offset) => chars[at + offset] === char)) found.push(at);
  }
  return found;
}

function count(text: string, search: string): number {
  return search === "" ? [...text].length + 1 : text.split(search).length - 1;
}

export const STRINGS = builtinTable([
  [
    "strings.any_prefix_match",
    (args) => stringsArg(args, 0).some((text) => stringsArg(args, 1).some((prefix) => text.startsWith(prefix))),
  ],
  [
    "strings.any_suffix_match",
    (args) => stringsArg(args, 0).some((text) => stringsArg(args, 1).some((suffix) => text.endsWith(suffix))),
  ],
  ["strings.count", (args) => regoInteger(count(stringArg(args, 0), stringArg(args, 1)))],
  ["indexof_n", (args) => positions(stringArg(args, 0), stringArg(args, 1)).map(regoInteger)],
  [
    "strings.split_n",
    (args) => {
      const [text, separator] = [stringArg(args, 0), stringArg(args, 1)];
      const parts = separator === "" ? [...text] : text.split(separator);
      const count = smallIntegerArg(args, 2);
      return count < 0 ? parts.slice(count) : parts.slice(0, count);
    },
  ],
  ["strings.render_template", (args) => executeTemplate(parseTemplate(stringArg(args, 0)), objectArg(args, 1))],
  ["array.flatten", (args) => arrayArg(args, 0).flatMap((item) => (Array.isArray(item) ? item : [item]))],
]);
