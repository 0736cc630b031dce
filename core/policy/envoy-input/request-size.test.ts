/**
 * What a request says is read before any policy is asked, by everybody and without a budget: the time that it takes grows as its size does. Each
 * of these took seconds once, or would if it were read by copying what came before; the limit is far above what they take.
 */
import { expect, test } from "@jest/globals";
import { threadMs } from "../../../test/harness/thread-time.ts";
import { multipartForm } from "./multipart.ts";
import { parseMediaType } from "./media-type.ts";
import { formBody } from "./parsed-body.ts";
import { parsePath } from "./parsed-path.ts";
import { decodeQuotedPrintable } from "./quoted-printable.ts";

/** About what Envoy lets through of a head, and a service of a body. */
const BYTES = 64 * 1024;
const FAR_ABOVE_MS = 250;

/** As long as the header that names it lets it be. */
const LONG = "a".repeat(8_000);

const filled = (part: string) => part.repeat(Math.floor(BYTES / part.length));

test.each<readonly [string, () => unknown]>([
  ["one name in a query, repeated", () => parsePath(`/x?${filled("a&")}`)],
  ["one name in a form, repeated", () => formBody(Buffer.from(filled("a=1&")))],
  ["a path of slashes", () => parsePath(filled("/"))],
  ["a path of dots", () => parsePath(filled("/.."))],
  ["escapes", () => parsePath(`/${filled("%41")}?${filled("%41")}`)],
  ["escapes that are none", () => parsePath(`/?${filled("%zz&")}`)],
  ["parameters of a media type", () => parseMediaType(`multipart/form-data${filled("; a=b")}`)],
  ["a media type that does not end", () => parseMediaType(`multipart/form-data; boundary="${filled("\\\\")}`)],
  ["a media type of blanks", () => parseMediaType(`${filled(" ")}x`)],
  ["parts without headers", () => multipartForm(filled("--b\r\n\r\n"), "b")],
  ["a part of headers", () => multipartForm(`--b\r\n${filled("a: b\r\n")}`, "b")],
  ["a part that does not end", () => multipartForm(filled("-"), "-")],
  [
    "a long boundary that the body nearly has",
    () => multipartForm(`--${LONG}\r\n\r\n${`\r\n--${LONG.slice(1)}b`.repeat(7)}${filled("a").repeat(3)}`, LONG),
  ],
  ["soft line breaks", () => decodeQuotedPrintable(filled("=\r\n"))],
  ["blanks that do not end a line", () => decodeQuotedPrintable(`${filled(" ")}x`)],
])("%s", (_, read) => {
  expect(threadMs(FAR_ABOVE_MS, read)).toBeLessThan(FAR_ABOVE_MS);
});

test.each([
  ["a query", (text: string) => void parsePath(`/x?${text}`)],
  ["a form", (text: string) => void formBody(Buffer.from(text))],
])("names in %s that are not UTF-8 cost no more than others, but for a few times", (_, read) => {
  const others = threadMs(FAR_ABOVE_MS, () => read(filled("%41&")));
  const limit = 4 * Math.max(others, 4);
  expect(threadMs(limit, () => read(filled("%ff&")))).toBeLessThan(limit);
});

test("all values of a name that is repeated are kept, in order", () => {
  const path = parsePath("/x?a=1&b&a=2&a=1");
  expect(path.kind === "parsed" && path.query.get("a")).toEqual(["1", "2", "1"]);
});
