/** String built-ins that compiled modules leave to the host. Positions count code points, as in OPA. */
import { arrayArg, builtinTable, BuiltinError, objectArg, smallIntegerArg, stringArg, stringsArg } from "../builtin.ts";
import { regoInteger, RegoNumber } from "../rego-value/value.ts";
import { writeRego } from "../rego-value/write.ts";

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

/** The template language of OPA here is Go's text/template; policies use plain `{{.name}}`, and only that is served. */
const TEMPLATE_ACTION = /\{\{-?\s*(.*?)\s*-?\}\}/gs;

function renderTemplate(template: string, lookUp: (name: string) => string): string {
  return template.replace(TEMPLATE_ACTION, (_, action: string) => {
    const name = /^\.([A-Za-z_]\w*)$/.exec(action)?.[1];
    if (name === undefined) throw new BuiltinError("only {{.name}} is supported in templates");
    return lookUp(name);
  });
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
  [
    "strings.render_template",
    (args) =>
      renderTemplate(stringArg(args, 0), (name) => {
        const value = objectArg(args, 1).get(name);
        if (value === undefined) return "<undefined>";
        if (typeof value === "string") return value;
        return value instanceof RegoNumber ? value.text : writeRego(value);
      }),
  ],
  ["array.flatten", (args) => arrayArg(args, 0).flatMap((item) => (Array.isArray(item) ? item : [item]))],
]);
