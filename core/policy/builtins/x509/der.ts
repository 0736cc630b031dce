/**
 * Reads DER, as far as certificates need it: definite lengths, one-byte tags. Every fault is a `BuiltinError`. Node's own
 * X509Certificate does not show extensions, raw sections or key parameters, which OPA hands to policies.
 */
import { BuiltinError, BuiltinLimit } from "../../builtin.ts";

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  numeric: 0x12,
  printable: 0x13,
  t61: 0x14,
  ia5: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmp: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tags `[n]`. */
export function context(n: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | n;
}

export type Element = { readonly tag: number; readonly raw: Uint8Array; readonly body: Uint8Array };

export class DerReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  peekTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  any(): Element {
    const start = this.#at;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformed();
    let length = this.#byte();
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 4) throw malformed();
      length = 0;
      for (let count = 0; count < size; count++) length = length * 256 + this.#byte();
      if (length < 0x80 || length < 256 ** (size - 1)) throw malformed();
    }
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed();
    const body = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag, raw: this.#bytes.subarray(start, end), body };
  }

  element(tag: number): Element {
    if (this.peekTag() !== tag) throw malformed();
    return this.any();
  }

  optional(tag: number): Element | undefined {
    return this.peekTag() === tag ? this.any() : undefined;
  }

  sequence(): DerReader {
    return new DerReader(this.element(TAG.sequence).body);
  }

  integer(tag: number = TAG.integer): bigint {
    return integerOf(this.element(tag).body);
  }

  oid(): readonly number[] {
    return oidOf(this.element(TAG.oid).body);
  }

  /** Whole bytes; unused bits are shifted out to the left, as Go's RightAlign. */
  bitString(): Uint8Array {
    const { unused, bytes } = bitsOf(this.element(TAG.bitString).body);
    if (unused === 0 || bytes.length === 0) return bytes;
    return bytes.map((byte, at) => (byte >> unused) | ((bytes[at - 1] ?? 0) << (8 - unused)));
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw malformed();
    return byte;
  }
}

export function malformed(): BuiltinError {
  return new BuiltinError("malformed DER");
}

/** Signed, two's complement. */
export function integerOf(body: Uint8Array): bigint {
  const [first, second = 0] = body;
  if (first === undefined) throw malformed();
  if (body.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) throw malformed();
  const magnitude = unsignedOf(body);
  return first >= 0x80 ? magnitude - (1n << BigInt(body.length * 8)) : magnitude;
}

/** Longer ones take more time to be written in decimals than is paid for their bytes; no key has as many. */
const MAX_INTEGER_BYTES = 4_096;

export function unsignedOf(bytes: Uint8Array): bigint {
  if (bytes.length > MAX_INTEGER_BYTES) throw new BuiltinLimit("a number of a certificate or key is too large");
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
}

export function bitsOf(body: Uint8Array): { readonly unused: number; readonly bytes: Uint8Array } {
  const unused = body[0];
  if (unused === undefined || unused > 7 || (body.length === 1 && unused > 0)) throw malformed();
  return { unused, bytes: body.subarray(1) };
}

export function oidOf(body: Uint8Array): readonly number[] {
  const parts: number[] = [];
  let value = 0;
  let open = false;
  for (const byte of body) {
    if (!open && byte === 0x80) throw malformed();
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw malformed();
    open = byte >= 0x80;
    if (open) continue;
    if (parts.length === 0)
      parts.push(Math.min(Math.floor(value / 40), 2), value - Math.min(Math.floor(value / 40), 2) * 40);
    else parts.push(value);
    value = 0;
  }
  if (open || parts.length === 0) throw malformed();
  return parts;
}
