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
  const decoded = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    let byte = bytes[at] ?? 0;
    if (byte === 0x25) {
      byte = (hexDigit(bytes[at + 1]) << 4) | hexDigit(bytes[at + 2]);
      if (byte < 0) return { kind: "bad_escape", escape: textOfBytes(bytes.subarray(at, at + 3)) };
      at += 2;
    } else if (plusIsSpace && byte === 0x2b) byte = 0x20;
    decoded[length++] = byte;
  }
  return { kind: "text", text: textOfBytes(decoded.subarray(0, length)) };
}

/** −1 for what is none. */
function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

export type ParsedQuery =
  | { readonly kind: "parsed"; readonly values: ReadonlyMap<string, readonly string[]> }
  | { readonly kind: "fault"; readonly message: string };

/** Go's url.ParseQuery, where any fault refuses the whole query; a `;` is named before a bad escape. */
export function parseGoQuery(query: string): ParsedQuery {
  if (query.includes(";")) return { kind: "fault", message: "invalid semicolon separator in query" };
  const values = new Map<string, string[]>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = unescapePercent(equals < 0 ? pair : pair.slice(0, equals), true);
    if (name.kind === "bad_escape") return badEscape(name.escape);
    const value = unescapePercent(equals < 0 ? "" : pair.slice(equals + 1), true);
    if (value.kind === "bad_escape") return badEscape(value.escape);
    appendTo(values, name.text, value.text);
  }
  return { kind: "parsed", values };
}

function badEscape(escape: string): ParsedQuery {
  return { kind: "fault", message: `invalid URL escape ${JSON.stringify(escape)}` };
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
