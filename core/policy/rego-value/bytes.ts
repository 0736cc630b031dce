/**
 * Text ↔ bytes without loss. A request path may hold bytes that are not UTF-8 (`%ff`), and Rego strings carry them. Here
 * such a byte b is the unpaired surrogate U+DC00 + b, which no valid UTF-8 decodes to; encoding turns it back.
 * NB: any other unpaired surrogate (`"\ud800"` in a JSON body) must have become U+FFFD before, as Go does.
 */

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BYTE_BASE = 0xdc00;

export function textOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return decodeKeepingBytes(bytes);
  }
}

export function bytesOfText(text: string): Uint8Array {
  if (text.isWellFormed()) return Buffer.from(text, "utf8");
  const parts: Uint8Array[] = [];
  for (const char of text) parts.push(bytesOfChar(char));
  return Buffer.concat(parts);
}

function bytesOfChar(char: string): Uint8Array {
  const unit = char.charCodeAt(0);
  const isByte = char.length === 1 && unit >= BYTE_BASE + 0x80 && unit <= BYTE_BASE + 0xff;
  return isByte ? Uint8Array.of(unit - BYTE_BASE) : Buffer.from(char.toWellFormed(), "utf8");
}

/** Decodes the longest valid sequences; each byte that belongs to none stands alone. */
function decodeKeepingBytes(bytes: Uint8Array): string {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at);
    if (length === 0) text += String.fromCharCode(BYTE_BASE + (bytes[at] ?? 0));
    else text += strict.decode(bytes.subarray(at, at + length));
    at += Math.max(length, 1);
  }
  return text;
}

/** The length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > bytes.length) return 0;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
