/**
 * Reads the bytes of a CheckRequest. It accepts and refuses exactly what the generated code does (read-check.test.ts compares the two), but
 * headers, which are most of a check, become text directly instead of an object and three buffers each. Small or rare parts are left to the
 * generated code.
 *
 * Headers come as a raw list, so duplicates stay separate; if only the joined map is sent, that is used. NB: bytes that are not UTF-8 in a header
 * value make all headers unusable, and in any other text the whole check: with replacement characters, two different values would look the same
 * (CVE-2023-27488).
 */
import { isUtf8 } from "node:buffer";
import type { BinaryReader } from "@bufbuild/protobuf/wire";
import { utf8Reader } from "../../../platform/grpc/utf8-reader.ts";
import { Metadata } from "../../../proto/gen/envoy/config/core/v3/base.ts";
import {
  type AttributeContext,
  AttributeContext_ContextExtensionsEntry,
  type AttributeContext_HttpRequest,
  AttributeContext_HttpRequest_HeadersEntry,
  AttributeContext_Peer,
  AttributeContext_TLSSession,
} from "../../../proto/gen/envoy/service/auth/v3/attribute_context.ts";
import { Timestamp } from "../../../proto/gen/google/protobuf/timestamp.ts";

/** Lower-case name → values in order. NB: a Map, since `__proto__` is a legal header name. */
export type Headers = Map<string, string[]>;

export type ReadHttp = Pick<
  AttributeContext_HttpRequest,
  "id" | "method" | "path" | "host" | "scheme" | "size" | "protocol" | "body" | "rawBody"
> & {
  /** Undefined when a value is not UTF-8. */
  readonly headers: Headers | undefined;
};

type ReadRequest = { readonly time: Date | undefined; readonly http: ReadHttp | undefined };

export type ReadAttributes = Pick<
  AttributeContext,
  "source" | "destination" | "contextExtensions" | "metadataContext" | "tlsSession"
> & { readonly request: ReadRequest | undefined };

export type ReadCheck = { readonly attributes: ReadAttributes | undefined };

/** Tag of a length-delimited field; the only other one here is `size`. */
const sized = (field: number) => (field << 3) | 2;
const ATTRIBUTES = sized(1);
const CONTEXT = {
  ...{ source: sized(1), destination: sized(2), request: sized(4), contextExtension: sized(10) },
  ...{ metadata: sized(11), tlsSession: sized(12), routeMetadata: sized(13) },
} as const;
const REQUEST = { time: sized(1), http: sized(2) } as const;
const HTTP = {
  ...{ id: sized(1), method: sized(2), header: sized(3), path: sized(4), host: sized(5), scheme: sized(6) },
  ...{ size: 9 << 3, protocol: sized(10), body: sized(11), rawBody: sized(12), headerMap: sized(13) },
} as const;
const HEADER_MAP = { header: sized(1) } as const;
const HEADER = { key: sized(1), value: sized(2), rawValue: sized(3) } as const;
const EMPTY = Buffer.alloc(0);
const END = 0;
const NOT_ASCII = /[\u0080-\u00ff]/;

/** @throws for what is no CheckRequest */
export function readCheck(bytes: Buffer): ReadCheck {
  const reader = utf8Reader(bytes);
  let attributes: ReadAttributes | undefined;
  for (let tag = nextTag(reader, reader.len); tag !== END; tag = nextTag(reader, reader.len)) {
    if (tag === ATTRIBUTES) attributes = readAttributes(reader, bytes);
    else reader.skip(tag & 7);
  }
  return { attributes };
}

/** Of the next field of a message, or `END`: behind its last byte, or at the end of a group, as the generated code has it. */
function nextTag(reader: BinaryReader, end: number): number {
  if (reader.pos >= end) return END;
  const tag = reader.uint32();
  return (tag & 7) === 4 ? END : tag;
}

function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

function readAttributes(reader: BinaryReader, bytes: Buffer): ReadAttributes {
  const end = endOf(reader);
  const contextExtensions = new Map<string, string>();
  let source: ReadAttributes["source"];
  let destination: ReadAttributes["destination"];
  let request: ReadRequest | undefined;
  let metadataContext: ReadAttributes["metadataContext"];
  let tlsSession: ReadAttributes["tlsSession"];
  for (let tag = nextTag(reader, end); tag !== END; tag = nextTag(reader, end)) {
    if (tag === CONTEXT.source) source = AttributeContext_Peer.decode(reader, reader.uint32());
    else if (tag === CONTEXT.destination) destination = AttributeContext_Peer.decode(reader, reader.uint32());
    else if (tag === CONTEXT.request) request = readRequest(reader, bytes);
    else if (tag === CONTEXT.contextExtension) {
      const { key, value } = AttributeContext_ContextExtensionsEntry.decode(reader, reader.uint32());
      contextExtensions.set(key, value);
    } else if (tag === CONTEXT.metadata) metadataContext = Metadata.decode(reader, reader.uint32());
    else if (tag === CONTEXT.tlsSession) tlsSession = AttributeContext_TLSSession.decode(reader, reader.uint32());
    else if (tag === CONTEXT.routeMetadata) Metadata.decode(reader, reader.uint32());
    else reader.skip(tag & 7);
  }
  return { source, destination, request, contextExtensions, metadataContext, tlsSession };
}

function readRequest(reader: BinaryReader, bytes: Buffer): ReadRequest {
  const end = endOf(reader);
  let time: Date | undefined;
  let http: ReadHttp | undefined;
  for (let tag = nextTag(reader, end); tag !== END; tag = nextTag(reader, end)) {
    if (tag === REQUEST.time) time = dateOf(Timestamp.decode(reader, reader.uint32()));
    else if (tag === REQUEST.http) http = readHttp(reader, bytes);
    else reader.skip(tag & 7);
  }
  return { time, http };
}

function readHttp(reader: BinaryReader, bytes: Buffer): ReadHttp {
  const end = endOf(reader);
  const http = { id: "", method: "", path: "", host: "", scheme: "", size: 0, protocol: "", body: "", rawBody: EMPTY };
  const joined = new Map<string, string>();
  let listed: Headers | undefined = new Map();
  for (let tag = nextTag(reader, end); tag !== END; tag = nextTag(reader, end)) {
    if (tag === HTTP.headerMap) listed = readHeaderMap(reader, bytes);
    else if (tag === HTTP.header) {
      const { key, value } = AttributeContext_HttpRequest_HeadersEntry.decode(reader, reader.uint32());
      joined.set(key, value);
    } else if (tag === HTTP.id) http.id = readText(reader, bytes);
    else if (tag === HTTP.method) http.method = readText(reader, bytes);
    else if (tag === HTTP.path) http.path = readText(reader, bytes);
    else if (tag === HTTP.host) http.host = readText(reader, bytes);
    else if (tag === HTTP.scheme) http.scheme = readText(reader, bytes);
    else if (tag === HTTP.protocol) http.protocol = readText(reader, bytes);
    else if (tag === HTTP.body) http.body = readText(reader, bytes);
    else if (tag === HTTP.rawBody) http.rawBody = Buffer.from(reader.bytes());
    else if (tag === HTTP.size) http.size = exactNumber(reader.int64());
    else reader.skip(tag & 7);
  }
  if (listed?.size === 0) for (const [name, value] of joined) add(listed, name, value);
  return { ...http, headers: listed };
}

function readHeaderMap(reader: BinaryReader, bytes: Buffer): Headers | undefined {
  const end = endOf(reader);
  const headers: Headers = new Map();
  let isText = true;
  for (let tag = nextTag(reader, end); tag !== END; tag = nextTag(reader, end)) {
    if (tag === HEADER_MAP.header) isText = readHeader(reader, bytes, headers) && isText;
    else reader.skip(tag & 7);
  }
  return isText ? headers : undefined;
}

/** False when its value is not UTF-8. The bytes of a value count before its text. */
function readHeader(reader: BinaryReader, bytes: Buffer, headers: Headers): boolean {
  const end = endOf(reader);
  let key = "";
  let value = "";
  let [rawBegin, rawEnd] = [0, 0];
  for (let tag = nextTag(reader, end); tag !== END; tag = nextTag(reader, end)) {
    if (tag === HEADER.key) key = readText(reader, bytes);
    else if (tag === HEADER.value) value = readText(reader, bytes);
    else if (tag === HEADER.rawValue) {
      rawEnd = endOf(reader);
      rawBegin = reader.pos;
      reader.pos = rawEnd;
      if (rawEnd > reader.len) throw new RangeError("premature end");
    } else reader.skip(tag & 7);
  }
  if (rawEnd > rawBegin) value = bytes.toString("utf8", rawBegin, rawEnd);
  add(headers, key, value);
  // Bytes that are not UTF-8 become this character, which may also have been sent.
  return rawEnd === rawBegin || !value.includes("\ufffd") || isUtf8(bytes.subarray(rawBegin, rawEnd));
}

function add(headers: Headers, name: string, value: string): void {
  const key = name.toLowerCase();
  const values = headers.get(key);
  if (values === undefined) headers.set(key, [value]);
  else values.push(value);
}

/** What `reader.string()` gives, or throws, which is slower for the short ASCII that nearly all of it is. */
function readText(reader: BinaryReader, bytes: Buffer): string {
  const begin = reader.pos;
  const end = endOf(reader);
  if (end > reader.len) throw new RangeError("premature end");
  const text = bytes.toString("latin1", reader.pos, end);
  if (NOT_ASCII.test(text)) {
    reader.pos = begin;
    return reader.string();
  }
  reader.pos = end;
  return text;
}

function dateOf({ seconds, nanos }: Timestamp): Date {
  return new Date(seconds * 1_000 + nanos / 1_000_000);
}

function exactNumber(int64: bigint | string): number {
  const number = Number(int64);
  if (!Number.isSafeInteger(number)) throw new RangeError("beyond what a number holds");
  return number;
}
