import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { BinaryFault, readSigned, readUnsigned32, writeSigned32, writeSigned64, writeUnsigned32 } from "./leb128.ts";

const bytes = (...all: readonly number[]) => Uint8Array.from(all);

describe("refused", () => {
  test.each<readonly [string, Uint8Array]>([
    ["nothing", bytes()],
    ["a number that is cut off", bytes(0x80, 0x80)],
    ["six bytes for 32 bits", bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x00)],
    ["2^32", bytes(0x80, 0x80, 0x80, 0x80, 0x10)],
    ["unused bits that are set", bytes(0xff, 0xff, 0xff, 0xff, 0x1f)],
  ])("unsigned: %s", (_, content) => {
    expect(() => readUnsigned32(content, 0)).toThrow(BinaryFault);
  });

  test.each<readonly [string, 32 | 33 | 64, Uint8Array]>([
    ["2^31", 32, bytes(0x80, 0x80, 0x80, 0x80, 0x08)],
    ["-2^31 - 1", 32, bytes(0xff, 0xff, 0xff, 0xff, 0x77)],
    ["unused bits that do not extend the sign", 32, bytes(0xff, 0xff, 0xff, 0xff, 0x4f)],
    ["2^32 in 33 bits", 33, bytes(0x80, 0x80, 0x80, 0x80, 0x10)],
    ["2^63", 64, bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01)],
    ["eleven bytes", 64, bytes(...Array<number>(10).fill(0x80), 0x00)],
  ])("signed: %s", (_, bits, content) => {
    expect(() => readSigned(content, 0, bits)).toThrow(BinaryFault);
  });

  test.each([-1, 1.5, 2 ** 32, Number.NaN])("%d is not written as an unsigned number", (value) => {
    expect(() => writeUnsigned32(value)).toThrow(BinaryFault);
  });

  test.each([2n ** 63n, -(2n ** 63n) - 1n])("%d is not written as a signed number of 64 bits", (value) => {
    expect(() => writeSigned64(value)).toThrow(BinaryFault);
  });
});

describe("the examples of the specification and the edges", () => {
  test.each<readonly [number, Uint8Array]>([
    [3, bytes(0x03)],
    [3, bytes(0x83, 0x00)],
    [127, bytes(0x7f)],
    [128, bytes(0x80, 0x01)],
    [624_485, bytes(0xe5, 0x8e, 0x26)],
    [2 ** 32 - 1, bytes(0xff, 0xff, 0xff, 0xff, 0x0f)],
  ])("unsigned %d", (value, content) => {
    expect(readUnsigned32(content, 0)).toEqual({ value, length: content.length });
  });

  test.each<readonly [bigint, 32 | 33 | 64, Uint8Array]>([
    [-2n, 32, bytes(0x7e)],
    [-2n, 32, bytes(0xfe, 0x7f)],
    [-2n, 32, bytes(0xfe, 0xff, 0x7f)],
    [-123_456n, 32, bytes(0xc0, 0xbb, 0x78)],
    [2n ** 31n - 1n, 32, bytes(0xff, 0xff, 0xff, 0xff, 0x07)],
    [-(2n ** 31n), 32, bytes(0x80, 0x80, 0x80, 0x80, 0x78)],
    [-0x40n, 33, bytes(0x40)],
    [2n ** 32n - 1n, 33, bytes(0xff, 0xff, 0xff, 0xff, 0x0f)],
    [-(2n ** 63n), 64, bytes(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f)],
  ])("signed %d of %d bits", (value, bits, content) => {
    expect(readSigned(content, 0, bits)).toEqual({ value, length: content.length });
  });
});

test("what is written is read again, in the fewest bytes", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 32 - 1),
      fc.integer(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      (unsigned, signed, long) => {
        const plain = bytes(...writeUnsigned32(unsigned));
        expect(readUnsigned32(plain, 0)).toEqual({ value: unsigned, length: plain.length });
        expect(plain.length).toBe(1 + Math.floor(Math.log2(Math.max(1, unsigned)) / 7));
        const extended = bytes(...writeSigned32(signed));
        expect(readSigned(extended, 0, 32)).toEqual({ value: BigInt(signed), length: extended.length });
        expect(writeSigned64(BigInt(signed))).toEqual(writeSigned32(signed));
        const longer = bytes(...writeSigned64(long));
        expect(readSigned(longer, 0, 64)).toEqual({ value: long, length: longer.length });
      },
    ),
  );
});
