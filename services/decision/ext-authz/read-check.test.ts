/** Holds the reader against the generated code, on checks that are changed in one field or one byte: both read the same, or both refuse. */
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { utf8Reader } from "../../../platform/grpc/utf8-reader.ts";
import { CheckRequest } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../../test/bench/check/sample-check.ts";
import { fieldPaths, lastOf, strangeRecord, withRecord } from "../../../test/harness/wire-mutation.ts";
import { type Headers, type ReadCheck, readCheck } from "./read-check.ts";

/** What the generated code reads, as far as a check looks at it, with headers as a check takes them. */
function expected(bytes: Uint8Array): ReadCheck {
  const { attributes } = CheckRequest.decode(utf8Reader(bytes));
  if (attributes === undefined) return { attributes };
  const { source, destination, request, contextExtensions, metadataContext, tlsSession } = attributes;
  const wire = request?.http;
  const http = wire && {
    ...{ id: wire.id, method: wire.method, path: wire.path, host: wire.host, scheme: wire.scheme, size: wire.size },
    ...{ protocol: wire.protocol, body: wire.body, rawBody: wire.rawBody, headers: headersOf(wire) },
  };
  return {
    attributes: {
      ...{ source, destination, contextExtensions, metadataContext, tlsSession },
      request: request && { time: request.time, http },
    },
  };
}

type Http = NonNullable<NonNullable<NonNullable<CheckRequest["attributes"]>["request"]>["http"]>;

function headersOf({ headerMap, headers: joined }: Http): Headers | undefined {
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const listed = headerMap?.headers ?? [];
  const headers: Headers = new Map();
  try {
    const pairs: Iterable<readonly [string, string]> =
      listed.length === 0
        ? joined
        : listed.map(({ key, value, rawValue }) => [key, rawValue.length > 0 ? utf8.decode(rawValue) : value]);
    for (const [name, value] of pairs) {
      headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), value]);
    }
    return headers;
  } catch {
    return undefined;
  }
}

function outcomeOf(read: (bytes: Buffer) => ReadCheck, bytes: Uint8Array): ReadCheck | "refused" {
  try {
    return read(Buffer.from(bytes));
  } catch {
    return "refused";
  }
}

const file = new URL("../../../proto/descriptor/check.binpb", import.meta.url);
const desc = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(file))).getMessage(
  "envoy.service.auth.v3.CheckRequest",
);
if (desc === undefined) throw new Error("no descriptor of CheckRequest");
const paths = fieldPaths(desc);
const sample = sampleCheck("DELETE", "a.b.c");
const EMPTY = Buffer.alloc(0);
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

test("a whole check is read as the generated code reads it", () => {
  expect(readCheck(sample)).toEqual(expected(sample));
  expect(readCheck(sample).attributes?.request?.http?.headers?.get("x-request-id")).toHaveLength(1);
});

test("one that is changed in any field, to anything, is read or refused alike", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...paths),
      fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
      (path, stream) => {
        const random = () => Number(stream.next().value);
        const bytes = withRecord(sample, path, strangeRecord(lastOf(path), random), random);
        expect(outcomeOf(readCheck, bytes)).toEqual(outcomeOf(expected, bytes));
      },
    ),
    { numRuns: 3_000 },
  );
});

test("one that is cut, or changed in any byte, is read or refused alike", () => {
  fc.assert(
    fc.property(seeds, seeds, fc.integer({ min: 0, max: 255 }), (at, end, byte) => {
      const bytes = Buffer.from(sample.subarray(0, end % 3 === 0 ? end % sample.length : sample.length));
      if (bytes.length > 0) bytes[at % bytes.length] = byte;
      expect(outcomeOf(readCheck, bytes)).toEqual(outcomeOf(expected, bytes));
    }),
    { numRuns: 5_000 },
  );
});

const PLACE = "#PLACE#";

test.each<[string, (http: Http, source: { principal: string; service: string }) => void]>([
  ["the path", (http) => (http.path = `/${PLACE}`)],
  ["the host", (http) => (http.host = PLACE)],
  ["the method", (http) => (http.method = PLACE)],
  ["the body as text", (http) => (http.body = PLACE)],
  ["the name of a header", (http) => (http.headerMap = { headers: [{ key: PLACE, value: "x", rawValue: EMPTY }] })],
  ["the text of a header", (http) => (http.headerMap = { headers: [{ key: "a", value: PLACE, rawValue: EMPTY }] })],
  ["a header of the joined ones", (http) => http.headers.set("a", PLACE)],
  ["the principal", (_http, source) => (source.principal = PLACE)],
  ["the service", (_http, source) => (source.service = PLACE)],
])("%s that is not UTF-8 leaves nothing to be read: replaced, two would be one", (_what, set) => {
  const { attributes } = CheckRequest.decode(sample);
  if (attributes?.request?.http === undefined || attributes.source === undefined) throw new Error("no request");
  set(attributes.request.http, attributes.source);
  const whole = Buffer.from(CheckRequest.encode({ attributes }).finish());
  expect(outcomeOf(readCheck, whole)).not.toBe("refused");
  whole.set(Buffer.from("M\u00fcller", "latin1"), whole.indexOf(PLACE));
  expect(outcomeOf(readCheck, whole)).toBe("refused");
});

test.each<[string, readonly (readonly [string, Buffer])[], readonly string[] | undefined]>([
  ["a value of bytes that are not UTF-8 leaves nothing of the headers", [["a", Buffer.of(0xff)]], undefined],
  [
    "nor does one before others",
    [
      ["b", Buffer.of(0xc0, 0xaf)],
      ["a", Buffer.from("x")],
    ],
    undefined,
  ],
  ["the replacement character itself is text", [["a", Buffer.from("\ufffd")]], ["\ufffd"]],
  ["a byte order mark stays", [["a", Buffer.from("\ufeffx")]], ["\ufeffx"]],
  [
    "the same name in another case is the same header",
    [
      ["a", Buffer.from("1")],
      ["A", Buffer.from("2")],
    ],
    ["1", "2"],
  ],
])("%s", (_what, list, values) => {
  const { attributes } = CheckRequest.decode(sample);
  if (attributes?.request?.http === undefined) throw new Error("no request");
  attributes.request.http.headerMap = { headers: list.map(([key, rawValue]) => ({ key, value: "", rawValue })) };
  const bytes = Buffer.from(CheckRequest.encode({ attributes }).finish());
  expect(readCheck(bytes).attributes?.request?.http?.headers?.get("a")).toEqual(values);
  expect(readCheck(bytes)).toEqual(expected(bytes));
});
