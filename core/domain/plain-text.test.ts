import { expect, test } from "@jest/globals";
import { plainText } from "./plain-text.ts";

test("text with U+0000 or a lone surrogate is kept with a replacement in their place", () => {
  expect(plainText("a\0b\ud800")).toBe("a\ufffdb\ufffd");
});

test("any other text stays as it was written", () => {
  expect(plainText(" <b>ü😀\n ")).toBe(" <b>ü😀\n ");
});
