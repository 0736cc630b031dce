/**
 * Bodies in every framing, honest and not, on a route whose body is buffered and on one that streams: what one side takes for the end of a
 * request, the other must not take for the start of another.
 */
import { rawRequest } from "../harness/raw-http.ts";
import { type EnforcerCase, shown } from "./enforcer-case.ts";

const framed = (
  must: EnforcerCase["must"],
  list: readonly (readonly [lines: readonly string[], body: string])[],
): readonly EnforcerCase[] =>
  list.flatMap(([some, body]) =>
    ["/refunds", "/reports"].map((target) => ({
      name: `POST ${target} ${shown([...some, body])}`,
      bytes: rawRequest("POST", target, some, Buffer.from(body, "latin1")),
      ...(must === undefined ? {} : { must }),
    })),
  );

const SMUGGLED = "GET /admin HTTP/1.1\r\nhost: orders.example\r\nconnection: close\r\n\r\n";

export const framedBodies: readonly EnforcerCase[] = [
  ...framed("be forwarded", [
    [["transfer-encoding: chunked"], "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"],
    [["Transfer-Encoding: Chunked"], "3\r\nabc\r\n0\r\n\r\n"],
    [["transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked"], "3;a=b\r\nabc\r\n0\r\nx-trailer: 1\r\n\r\n"],
    [["content-length: 0"], ""],
  ]),
  ...framed("be refused", [
    [["content-length: 1", "content-length: 2"], "ab"],
    [["content-length: 2, 3"], "ab"],
    [["content-length: +2"], "ab"],
    [["content-length: -2"], "ab"],
    [["content-length: 0x2"], "ab"],
    [["content-length: 2a"], "ab"],
    [["content-length:"], "ab"],
    [["content-length: 99999999999999999999"], "ab"],
    [["content-length: 4", "transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked", `content-length: ${SMUGGLED.length}`], `0\r\n\r\n${SMUGGLED}`],
    [["content-length: 5", "transfer-encoding:\x0bchunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding : chunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: xchunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: identity"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: gzip, chunked"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: chunked, identity"], `0\r\n\r\n${SMUGGLED}`],
    [["transfer-encoding: identity", "transfer-encoding: chunked"], `0\r\n\r\n${SMUGGLED}`],
  ]),
  ...framed(undefined, [
    [["content-length: 2", "content-length: 2"], "ab"],
    [["transfer-encoding: chunked", "transfer-encoding: chunked"], "0\r\n\r\n"],
    [["transfer-encoding:\tchunked"], "0\r\n\r\n"],
    [["transfer-encoding: chunked"], "2\r\nabc\r\n0\r\n\r\n"],
    [["transfer-encoding: chunked"], "3 \r\nabc\r\n0\r\n\r\n"],
    [["content-length: 02"], "ab"],
    [["content-length: 2"], `ab${SMUGGLED}`],
  ]),
];

/** A body that is not well-formed: on a route that streams, the upstream may have seen its start, but never a whole request. */
export const brokenBodies: readonly (readonly [name: string, body: string])[] = [
  ["a chunk size that is no number", "zz\r\nabc\r\n0\r\n\r\n"],
  ["a negative chunk size", "-3\r\nabc\r\n0\r\n\r\n"],
  ["a chunk size with 0x", "0x3\r\nabc\r\n0\r\n\r\n"],
  ["a chunk size that overflows", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"],
  ["no last chunk", "3\r\nabc\r\nx"],
];
