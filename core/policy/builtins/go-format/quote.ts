/** Go's strconv.Quote and its kin: what is printable stays, bytes that are not UTF-8 become `\xNN`. */
import { bytesOfText } from "../../rego-value/bytes.ts";

const SHORT: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
]);
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

const PLAIN = /^[ -~]*$/;

/** As Go writes a text in a term of OPA's: most are written as JSON is. */
export function goTermQuote(text: string): string {
  return PLAIN.test(text) ? JSON.stringify(text) : goQuote(text, '"', false);
}

export function goQuote(text: string, delimiter: '"' | "'", asciiOnly: boolean): string {
  let quoted = "";
  for (const char of text) quoted += char === delimiter ? `\\${char}` : escaped(char, asciiOnly);
  return `${delimiter}${quoted}${delimiter}`;
}

function escaped(char: string, asciiOnly: boolean): string {
  const short = SHORT.get(char);
  if (short !== undefined) return short;
  const code = char.codePointAt(0) ?? 0;
  if (!char.isWellFormed()) return hexBytes(char);
  if (PRINTABLE.test(char) && (!asciiOnly || code < 0x80)) return char;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hexBytes(char: string): string {
  return [...bytesOfText(char)].map((byte) => `\\x${hex(byte, 2)}`).join("");
}

function hex(value: number, length: number): string {
  return value.toString(16).padStart(length, "0");
}

/** One line without control characters, backquotes or a byte order mark, so that backquotes can hold it. */
export function canBackquote(text: string): boolean {
  return text.isWellFormed() && !/[\u0000-\u0008\u000a-\u001f`\u007f\ufeff]/.test(text);
}
