import { expect, test } from "@jest/globals";
import { digest, id } from "./id.ts";

const UUID = "01930000-0000-7000-8000-00000000000a";

test.each(["", UUID.toUpperCase(), `{${UUID}}`, UUID.replaceAll("-", ""), ` ${UUID}`, `${UUID}\n`, `${UUID}0`])(
  "%j is not an id",
  (text) => {
    expect(() => id("grant", text)).toThrow("not a grant id");
  },
);

test.each(["", "a".repeat(63), "a".repeat(65), "A".repeat(64), "g".repeat(64), `${"a".repeat(64)}\n`, "а".repeat(64)])(
  "%j is not a digest",
  (text) => {
    expect(() => digest(text)).toThrow("not a SHA-256");
  },
);

test("a UUID in lower case is an id, 64 lower-case hexadecimal digits are a digest", () => {
  expect(id("grant", UUID)).toBe(UUID);
  expect(digest("0f".repeat(32))).toBe("0f".repeat(32));
});
