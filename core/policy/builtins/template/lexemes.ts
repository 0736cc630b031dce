/** Cuts a Go template into texts and the lexemes of its actions; `{{-` and `-}}` trim the text beside them. */
import { BuiltinError, type Pay } from "../../builtin.ts";
import { withoutEnd, withoutStart } from "../../without-ends.ts";

const BLANK = " \t\r\n";

export type Lexeme =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "open" | "close" | "|" | "(" | ")" | "," | ":=" | "="; readonly text: string }
  | { readonly kind: "literal"; readonly text: string; readonly value: string | boolean | bigint | number | null }
  | { readonly kind: "variable" | "word"; readonly text: string }
  /** `.`, `.a` or `.a.b`; attached when nothing stands before it. */
  | { readonly kind: "fields"; readonly text: string; readonly names: readonly string[]; readonly isAttached: boolean };

/** In fuel: of what stands in an action, and of an action or a comment as a whole. */
const PER_LEXEME = 3_500;
const PER_ACTION = 1_000;

export function lex(template: string, pay: Pay): readonly Lexeme[] {
  const lexemes: Lexeme[] = [];
  let at = 0;
  let trimsNext = false;
  for (;;) {
    const open = template.indexOf("{{", at);
    let text = template.slice(at, open < 0 ? template.length : open);
    if (trimsNext) text = withoutStart(text, BLANK);
    const trimsBefore = open >= 0 && /^-[ \t\r\n]/.test(template.slice(open + 2, open + 4));
    if (trimsBefore) text = withoutEnd(text, BLANK);
    if (text !== "") lexemes.push({ kind: "text", text });
    if (open < 0) return lexemes;
    pay(PER_ACTION);
    const start = open + 2 + (trimsBefore ? 2 : 0);
    const comment = /^\/\*[\s\S]*?\*\/([ \t\r\n]-)?\}\}/.exec(template.slice(start));
    if (comment !== null) {
      at = start + comment[0].length;
      trimsNext = comment[1] !== undefined;
      continue;
    }
    ({ at, trims: trimsNext } = action(template, start, lexemes, pay));
  }
}

const SPACE = /[ \t\r\n]*/y;
const LEXEME = new RegExp(
  [
    String.raw`(?<close>(?<trim>[ \t\r\n]-)?\}\})`,
    String.raw`(?<text>"(?:[^"\\\n]|\\.)*")`,
    "(?<raw>\\x60[^\\x60]*\\x60)",
    String.raw`(?<char>'(?:[^'\\\n]|\\.)+')`,
    String.raw`(?<number>[+-]?(?:0[xX][0-9a-fA-F_]+|[0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+))`,
    String.raw`(?<variable>\$[\p{L}\p{Nd}_]*)`,
    String.raw`(?<fields>(?:\.[\p{L}_][\p{L}\p{Nd}_]*)+|\.(?![\p{L}\p{Nd}_]))`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{Nd}_]*)`,
    String.raw`(?<sign>:=|[|(),=])`,
  ].join("|"),
  "yu",
);

type ActionEnd = { readonly at: number; readonly trims: boolean };

function action(template: string, start: number, lexemes: Lexeme[], pay: Pay): ActionEnd {
  lexemes.push({ kind: "open", text: "{{" });
  for (let at = start; ; ) {
    pay(PER_LEXEME);
    LEXEME.lastIndex = at;
    let found = LEXEME.exec(template);
    SPACE.lastIndex = at;
    const spaces = SPACE.exec(template)?.[0].length ?? 0;
    if (found?.groups?.["close"] === undefined && spaces > 0) {
      LEXEME.lastIndex = at + spaces;
      found = LEXEME.exec(template);
    }
    if (found === null) throw new BuiltinError("template: unclosed action or unexpected character");
    at = found.index + found[0].length;
    const groups = found.groups ?? {};
    lexemes.push(lexemeOf(found[0], groups, spaces === 0));
    if (groups["close"] !== undefined) return { at, trims: groups["trim"] !== undefined };
  }
}

const SIGNS = ["|", "(", ")", ",", ":=", "="] as const;

function lexemeOf(text: string, groups: Readonly<Record<string, string | undefined>>, isAttached: boolean): Lexeme {
  if (groups["close"] !== undefined) return { kind: "close", text };
  if (groups["text"] !== undefined) return { kind: "literal", text, value: unquote(text) };
  if (groups["raw"] !== undefined) return { kind: "literal", text, value: text.slice(1, -1) };
  if (groups["char"] !== undefined) return { kind: "literal", text, value: BigInt(unquote(text).codePointAt(0) ?? 0) };
  if (groups["number"] !== undefined) return { kind: "literal", text, value: numberOf(text) };
  if (groups["variable"] !== undefined) return { kind: "variable", text };
  if (groups["fields"] !== undefined) {
    return { kind: "fields", text, names: text === "." ? [] : text.slice(1).split("."), isAttached };
  }
  if (text === "true" || text === "false") return { kind: "literal", text, value: text === "true" };
  if (text === "nil") return { kind: "literal", text, value: null };
  const sign = SIGNS.find((one) => one === text);
  return sign === undefined ? { kind: "word", text } : { kind: sign, text };
}

function numberOf(text: string): bigint | number {
  const plain = text.replaceAll("_", "");
  const isInteger = /^[+-]?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(plain);
  if (!isInteger) return Number(plain);
  const magnitude = BigInt(plain.replace(/^[+-]/, ""));
  return plain.startsWith("-") ? -magnitude : magnitude;
}

const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ a: "\u0007", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }),
);

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gs, (_, code: string) => {
    if (code.length === 1) return ESCAPES.get(code) ?? code;
    const point = Number.parseInt(code.slice(1), 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : "\ufffd";
  });
}
