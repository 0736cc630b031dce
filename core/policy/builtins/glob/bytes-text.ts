/** Text as a string with a character for each byte of its UTF-8, which is what Go looks at, and the characters in it. */
import { bytesOfText } from "../../rego-value/bytes.ts";

export function toBytes(text: string): string {
  return Buffer.from(bytesOfText(text)).toString("latin1");
}

const SEQUENCE =
  /[\xc2-\xdf][\x80-\xbf]|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}|[^]/y;
const LOST = 0xfffd;

type Rune = { readonly code: number; readonly width: number };

/** Of the character at `at`: a byte that belongs to none is U+FFFD. */
export function runeAt(bytes: string, at: number): Rune {
  const lead = bytes.charCodeAt(at);
  if (at >= bytes.length) return { code: LOST, width: 0 };
  if (lead < 0x80) return { code: lead, width: 1 };
  SEQUENCE.lastIndex = at;
  const found = SEQUENCE.exec(bytes)?.[0] ?? "";
  if (found.length === 1) return { code: LOST, width: 1 };
  return { code: Buffer.from(found, "latin1").toString("utf8").codePointAt(0) ?? LOST, width: found.length };
}

/** As Go's `utf8.RuneLen`, which is not the width of what was lost. */
export function lengthOf(code: number): number {
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

export function* runesOf(bytes: string): Generator<{ readonly at: number; readonly code: number }> {
  for (let at = 0; at < bytes.length; ) {
    const { code, width } = runeAt(bytes, at);
    yield { at, code };
    at += width;
  }
}
