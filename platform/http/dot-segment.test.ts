import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { hasDotSegment } from "./dot-segment.ts";

/** The same in words: decoded once, cut at separators and then at the first `;`. */
function hasDotSegmentInWords(path: string): boolean {
  const decoded = path.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return decoded.split(/[/\\]/).some((segment) => [".", ".."].includes(segment.split(";", 1)[0] ?? ""));
}

test.each([
  "/public/../admin",
  "/.",
  "/..",
  "..",
  "/a/./b",
  "/a/%2e%2E/b",
  "/a/.%2e",
  "/a/..;/b",
  "/a/.;v=1/b",
  "/a/..%3B/b",
  "/a/%2e%2e%3bx/b",
  "/a%2f..%2fb",
  "/a\\..\\b",
  "/a%5c%2e%5Cb",
  "/a;v=1/../b",
])("%s has one", (path) => {
  expect(hasDotSegment(path)).toBe(true);
});

test.each([
  "/",
  "//",
  "/a//b",
  "/...",
  "/a/..b/c",
  "/a/b..",
  "/.well-known/x",
  "/a/.b;v=1",
  "/a;..;/b",
  "/a;v=../b",
  "/a/%252e%252e/b",
  "/a/%25%32%65/b",
  "/v1.2/a.b",
])("%s has none", (path) => {
  expect(hasDotSegment(path)).toBe(false);
});

test("whatever the path, it is what decoding once and cutting finds", () => {
  const piece = fc.constantFrom("/", "\\", ".", "%2e", "%2E", "%2f", "%5C", ";", "%3b", "%25", "2e", "%", "a", "%41");
  const path = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(path, (given) => {
      expect(hasDotSegment(given)).toBe(hasDotSegmentInWords(given));
    }),
    { numRuns: 5_000 },
  );
});
