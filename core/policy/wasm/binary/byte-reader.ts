/** A cursor over the bytes of a module or of one of its sections. Every read beyond the end is a `BinaryFault`. */
import { BinaryFault, readSigned, readUnsigned32 } from "./leb128.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class ByteReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new BinaryFault("the bytes end too early");
    this.at++;
    return byte;
  }

  unsigned(): number {
    const { value, length } = readUnsigned32(this.bytes, this.at);
    this.at += length;
    return value;
  }

  signed(bits: 32 | 33 | 64): bigint {
    const { value, length } = readSigned(this.bytes, this.at, bits);
    this.at += length;
    return value;
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new BinaryFault("the bytes end too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** A name: its length in bytes, then strict UTF-8. */
  name(): string {
    const bytes = this.take(this.unsigned());
    try {
      return utf8.decode(bytes);
    } catch {
      throw new BinaryFault("a name is not UTF-8");
    }
  }

  /** A vector: how many, then each. */
  vector<Item>(readItem: () => Item): readonly Item[] {
    const items: Item[] = [];
    for (let left = this.unsigned(); left > 0; left--) items.push(readItem());
    return items;
  }

  end(): void {
    if (!this.isAtEnd) throw new BinaryFault("bytes are left over");
  }
}
