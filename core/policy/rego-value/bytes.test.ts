import { expect, test } from "@jest/globals";
import { threadMs } from "../../../test/harness/thread-time.ts";
import fc from "fast-check";
import { bytesOfText, textOfBytes } from "./bytes.ts";

/** What is neither random nor all one thing: leads, what may and may not follow them, and plain text. */
const byte = fc.constantFrom(
  0x41,
  0x7f,
  0x80,
  0x8f,
  0x90,
  0x9f,
  0xa0,
  0xbf,
  0xc1,
  0xc2,
  0xdf,
  0xe0,
  0xed,
  0xef,
  0xf0,
  0xf4,
  0xf5,
  0xff,
);

test("bytes become a text and the same bytes again, whatever they are", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(byte, { maxLength: 12 }).map((items) => Uint8Array.from(items)),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      expect(Buffer.from(bytesOfText(textOfBytes(given))).equals(given)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
});

test("what is UTF-8 is found in between, and nothing else is taken for it", () => {
  const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  fc.assert(
    fc.property(fc.array(byte, { minLength: 1, maxLength: 4 }), (items) => {
      const given = Uint8Array.from(items);
      // With a byte before it that is none, the whole is read piece by piece.
      const rest = textOfBytes(Uint8Array.of(0xff, ...given)).slice(1);
      let decoded: string | undefined;
      try {
        decoded = strict.decode(given);
      } catch {
        // It is not UTF-8.
      }
      expect(rest.isWellFormed() ? rest : undefined).toBe(decoded);
    }),
    { numRuns: 5_000 },
  );
});

test("a megabyte that is not UTF-8 is read and written within a second", () => {
  const ms = threadMs(1_000, () => {
    expect(bytesOfText(textOfBytes(new Uint8Array(1 << 20).fill(0xff)))).toHaveLength(1 << 20);
  });
  expect(ms).toBeLessThan(1_000);
});
