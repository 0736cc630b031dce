import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readTarget } from "./request-target.ts";

const pathPieces = fc.array(
  fc.constantFrom(
    "/",
    "//",
    ".",
    "..",
    "%2e",
    "%2E",
    "%2f",
    "%5c",
    "%00",
    "%41",
    "%C3%A9",
    "%25",
    "%",
    "\\",
    ";",
    "a",
    "b",
    "~",
    "#",
    "<",
    "[",
    "%0a",
  ),
  { maxLength: 12 },
);

describe("a target", () => {
  test.each([
    "",
    "*",
    "orders",
    "http://orders.example/orders",
    "//admin",
    "/a//b",
    "/a/..",
    "/a/../b",
    "/./a",
    "/a/%2e%2e/b",
    "/a/..;/b",
    "/a/..%3b/b",
    "/a/.;v=1/b",
    "/a%2fb",
    "/a%5Cb",
    "/a\\b",
    "/a%00",
    "/a%0a",
    "/a%7f",
    "/%61",
    "/a%7e",
    "/a%zz",
    "/a%",
    "/a%4",
    "/a#b",
    "/a?b#c",
    "/a b",
    "/a?b c",
    "/a\u00ff",
    "/a?\u00ff",
    '/"a"',
    "/<a>",
    "/[a]",
    "/a|b",
  ])("%j is refused: it can be read in more than one way", (target) => {
    expect(readTarget(target)).toEqual({ kind: "refused", reason: "target_ambiguous" });
  });

  test.each([
    ["/", "/"],
    ["/a/", "/a/"],
    ["/a.b/...", "/a.b/..."],
    ["/a?", "/a"],
    ["/a?x=//../%2f%00\\&[y]={z}|`", "/a"],
    ["/caf%C3%A9%20%252e", "/caf%C3%A9%20%252e"],
    ["/a;v=1/b@c:d,e", "/a;v=1/b@c:d,e"],
  ])("%j is taken as it is", (target, path) => {
    expect(readTarget(target)).toEqual({ kind: "plain", target, path });
  });

  test("a path that is taken is the same path for a URL parser, and decodes to the same segments", () => {
    let taken = 0;
    fc.assert(
      fc.property(pathPieces, (pieces) => {
        const target = `/${pieces.join("")}`;
        const read = readTarget(target);
        if (read.kind === "refused") return;
        taken += 1;
        expect(new URL(`http://host${target}`).pathname).toBe(read.path);
        const decoded = Buffer.from(unescape(read.path), "latin1").toString("latin1");
        expect(decoded.split("/")).toHaveLength(read.path.split("/").length);
        expect(decoded).not.toMatch(/[\0-\x1f\x7f\\]/);
      }),
      { numRuns: 5_000 },
    );
    expect(taken).toBeGreaterThan(100);
  });
});

/** Byte-wise, as the decision service does. */
function unescape(path: string): string {
  return path.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
