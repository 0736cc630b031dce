/**
 * Text ↔ bytes without loss. A request path may hold bytes that are not UTF-8 (`%ff`), and Rego strings carry them. Here
 * such a byte b is the unpaired surrogate U+DC00 + b, which no valid UTF-8 decodes to; encoding turns it back.
 * NB: any other unpaired surrogate (`"\ud800"` in a JSON body) must have become U+FFFD before, as Go does.
 */
import { isUtf8 } from "node:buffer";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const BYTE_BASE = 0xdc00;
/** Of a code unit of JavaScript, in UTF-8. */
const MAX_BYTES_PER_UNIT = 3;

export function textOfBytes(bytes: Uint8Array): string {
  // NB: asked before, not found by an error that a decoder throws: a request has room for tens of thousands, at 5 µs each.
  return isUtf8(bytes) ? decoder.decode(bytes) : decodeKeepingBytes(bytes);
}

export function bytesOfText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const bytes = Buffer.allocUnsafe(text.length * MAX_BYTES_PER_UNIT);
  let length = 0;
  for (const char of text) length += writeChar(bytes, length, char);
  return bytes.subarray(0, length);
}

function writeChar(bytes: Buffer, at: number, char: string): number {
  const unit = char.charCodeAt(0);
  const isByte = char.length === 1 && unit >= BYTE_BASE + 0x80 && unit <= BYTE_BASE + 0xff;
  if (!isByte && unit >= 0x80) return bytes.write(char.toWellFormed(), at, "utf8");
  bytes[at] = isByte ? unit - BYTE_BASE : unit;
  return 1;
}

/** Decodes the longest valid sequences; each byte that belongs to none stands alone. NB: a policy can make a megabyte of such bytes. */
function decodeKeepingBytes(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? String.fromCharCode(BYTE_BASE + (bytes[at] ?? 0)) : characterOf(bytes, at, length);
    at += Math.max(length, 1);
  }
  return text;
}

/** The character that the valid sequence at `at` is. */
function characterOf(bytes: Uint8Array, at: number, length: number): string {
  let code = (bytes[at] ?? 0) & (LEAD_BITS[length] ?? 0);
  for (let next = at + 1; next < at + length; next++) code = (code << 6) | ((bytes[next] ?? 0) & 0x3f);
  return String.fromCodePoint(code);
}

/** Of a lead, by the length of its sequence. */
const LEAD_BITS = [0, 0x7f, 0x1f, 0x0f, 0x07];

/** The length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead > 0xf4 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  const second = bytes[at + 1] ?? 0;
  const [least, most] = SECOND.get(lead) ?? ANY_SECOND;
  if (second < least || second > most) return 0;
  for (let next = at + 2; next < at + length; next++) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

const ANY_SECOND = [0x80, 0xbf] as const;
/** RFC 3629, section 4: what may follow these leads, without what has a shorter form, surrogates, and what is beyond U+10FFFF. */
const SECOND: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [0xe0, [0xa0, 0xbf]],
  [0xed, [0x80, 0x9f]],
  [0xf0, [0x90, 0xbf]],
  [0xf4, [0x80, 0x8f]],
]);
