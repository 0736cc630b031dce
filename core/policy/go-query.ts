/**
 * Percent-encoding and query strings as Go's net/url does them, byte-wise: `decodeURIComponent` throws on `%ff`, and
 * `URLSearchParams` accepts what Go refuses (`a=1;b=2`, `%zz`). Used for the input document and for `urlquery.*`.
 */
import { appendTo } from "./append-to.ts";
import { bytesOfText, textOfBytes } from "./rego-value/bytes.ts";

type Unescaped =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "bad_escape"; readonly escape: string };

/** Decodes `%xx`. `plusIsSpace` in queries and forms, not in paths. */
export function unescapePercent(text: string, plusIsSpace: boolean): Unescaped {
  if (!text.includes("%")) return { kind: "text", text: plusIsSpace ? text.replaceAll("+", " ") : text };
  const bytes = bytesOfText(text);
  const decoded: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === 0x25) {
      const pair = textOfBytes(bytes.subarray(at + 1, at + 3));
      if (!/^[0-9a-fA-F]{2}$/.test(pair)) return { kind: "bad_escape", escape: `%${pair}` };
      decoded.push(Number.parseInt(pair, 16));
      at += 2;
    } else decoded.push(plusIsSpace && byte === 0x2b ? 0x20 : byte);
  }
  return { kind: "text", text: textOfBytes(Uint8Array.from(decoded)) };
}

type ParsedQuery =
  | { readonly kind: "parsed"; readonly values: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: "fault"; readonly message: string };

/** Go's url.ParseQuery, where any fault refuses the whole query; a `;` is named before a bad escape. */
export function parseGoQuery(query: string): ParsedQuery {
  const values = new Map<string, string[]>();
  let escapeFault: string | undefined;
  for (const pair of query.split("&")) {
    if (pair.includes(";")) return { kind: "fault", message: "invalid semicolon separator in query" };
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = unescapePercent(equals < 0 ? pair : pair.slice(0, equals), true);
    const value = unescapePercent(equals < 0 ? "" : pair.slice(equals + 1), true);
    if (name.kind === "bad_escape") escapeFault ??= name.escape;
    else if (value.kind === "bad_escape") escapeFault ??= value.escape;
    else appendTo(values, name.text, value.text);
  }
  if (escapeFault !== undefined) return { kind: "fault", message: `invalid URL escape ${JSON.stringify(escapeFault)}` };
  return { kind: "parsed", values };
}

/** Go's url.QueryEscape: letters, digits and `-_.~` stay, space is `+`. */
export function escapeQuery(text: string): string {
  let escaped = "";
  for (const byte of bytesOfText(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(char)) escaped += char;
    else escaped += char === " " ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}
