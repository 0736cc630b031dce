/**
 * The bytes of a described protobuf message → the document that opa-envoy-plugin makes of it: only populated fields, JSON names, integers and
 * enums as numbers, bytes as base64, `Struct` as an object whose numbers have Go's `%g` text. This is not protojson: times stay `{seconds,
 * nanos}`, an `Any` stays closed.
 *
 * Read directly from the wire, because generated code and reflection lose what a policy can see: nanoseconds, 64-bit integers, `NaN`, `-0`. NB:
 * text that is not UTF-8 is an error, as in Go, and a record whose wire type is not that of its field is skipped as unknown; otherwise two
 * parties would see two messages in the same bytes.
 */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { AppError } from "../../domain/app-error.ts";
import { goFloat } from "../builtins/go-float.ts";
import { RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { fieldsByNumber, isPackable, scalarWireType, valueWireType, wireTypeOf } from "./wire-fields.ts";

/** Deeper than any metadata; the document has to be parsed again inside WebAssembly. */
const MAX_DEPTH = 1_000;

type Stored = RegoValue | Message | StoredList | StoredMap;

class StoredList {
  readonly items: (RegoValue | Message)[] = [];
}

class StoredMap {
  readonly entries = new Map<string, RegoValue | Message>();
}

class Message {
  readonly desc: DescMessage;
  readonly stored = new Map<number, Stored>();
  constructor(desc: DescMessage) {
    this.desc = desc;
  }
}

/** @throws AppError invalid_argument when the bytes are no such message */
export function messageDocument(desc: DescMessage, bytes: Uint8Array): RegoObject {
  try {
    const message = new Message(desc);
    readInto(message, bytes, 1);
    return fieldsOf(message);
  } catch (error) {
    throw new AppError("invalid_argument", `not a ${desc.name}`, { cause: error });
  }
}

function readInto(message: Message, bytes: Uint8Array, depth: number): void {
  if (depth > MAX_DEPTH) throw new AppError("invalid_argument", "nested too deeply");
  const reader = new BinaryReader(bytes);
  const fields = fieldsByNumber(message.desc);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const field = fields.get(number);
    if (field === undefined || !readField(message, field, reader, wireType, depth)) reader.skip(wireType, number);
  }
}

/** False when the record does not fit the field; nothing has been read then. */
function readField(message: Message, field: DescField, reader: BinaryReader, wireType: WireType, depth: number) {
  const packed = wireType === WireType.LengthDelimited && isPackable(field);
  if (wireType !== wireTypeOf(field) && !packed) return false;
  const before = message.stored.get(field.number);
  if (field.oneof !== undefined) {
    for (const other of field.oneof.fields) if (other !== field) message.stored.delete(other.number);
  }
  switch (field.fieldKind) {
    case "scalar":
      message.stored.set(field.number, scalar(reader, field.scalar));
      return true;
    case "enum":
      message.stored.set(field.number, new RegoNumber(String(reader.int32())));
      return true;
    case "message":
      message.stored.set(field.number, merged(before, field.message, reader, depth));
      return true;
    case "list": {
      const list = before instanceof StoredList ? before : new StoredList();
      message.stored.set(field.number, list);
      if (packed) readPacked(list, field, reader.bytes());
      else if (field.listKind === "message") list.items.push(merged(undefined, field.message, reader, depth));
      else list.items.push(item(reader, field));
      return true;
    }
    case "map": {
      const map = before instanceof StoredMap ? before : new StoredMap();
      message.stored.set(field.number, map);
      readEntry(map, field, reader.bytes(), depth);
      return true;
    }
  }
}

/** A message field that comes twice is one message: protobuf merges. */
function merged(before: Stored | undefined, desc: DescMessage, reader: BinaryReader, depth: number): Message {
  const message = before instanceof Message ? before : new Message(desc);
  readInto(message, reader.bytes(), depth + 1);
  return message;
}

type ListField = Extract<DescField, { fieldKind: "list" }>;
type MapField = Extract<DescField, { fieldKind: "map" }>;

function readPacked(list: StoredList, field: ListField, bytes: Uint8Array): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) list.items.push(item(reader, field));
}

function item(reader: BinaryReader, field: ListField): RegoValue {
  return field.listKind === "scalar" ? scalar(reader, field.scalar) : new RegoNumber(String(reader.int32()));
}

function readEntry(map: StoredMap, field: MapField, bytes: Uint8Array, depth: number): void {
  const reader = new BinaryReader(bytes);
  let key: RegoValue | undefined;
  let value: RegoValue | Message | undefined;
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (number === 1 && wireType === scalarWireType(field.mapKey)) key = scalar(reader, field.mapKey);
    else if (number !== 2 || wireType !== valueWireType(field)) reader.skip(wireType, number);
    else if (field.mapKind === "message") value = merged(value, field.message, reader, depth);
    else if (field.mapKind === "scalar") value = scalar(reader, field.scalar);
    else value = new RegoNumber(String(reader.int32()));
  }
  if (value === undefined && field.mapKind === "message") value = new Message(field.message);
  if (value === undefined) value = field.mapKind === "scalar" ? zero(field.scalar) : new RegoNumber("0");
  map.entries.set(keyText(key ?? zero(field.mapKey)), value);
}

function keyText(key: RegoValue): string {
  if (typeof key === "string") return key;
  return key instanceof RegoNumber ? key.text : key === true ? "true" : "false";
}

function scalar(reader: BinaryReader, type: ScalarType): RegoValue {
  switch (type) {
    case ScalarType.STRING:
      return reader.string(true);
    case ScalarType.BYTES:
      return Buffer.from(reader.bytes()).toString("base64");
    case ScalarType.BOOL:
      return reader.bool();
    case ScalarType.DOUBLE:
      return floatOf(reader.double());
    case ScalarType.FLOAT:
      return floatOf(reader.float());
    case ScalarType.INT32:
      return new RegoNumber(String(reader.int32()));
    case ScalarType.SINT32:
      return new RegoNumber(String(reader.sint32()));
    case ScalarType.SFIXED32:
      return new RegoNumber(String(reader.sfixed32()));
    case ScalarType.UINT32:
      return new RegoNumber(String(reader.uint32()));
    case ScalarType.FIXED32:
      return new RegoNumber(String(reader.fixed32()));
    case ScalarType.INT64:
      return new RegoNumber(String(reader.int64()));
    case ScalarType.SINT64:
      return new RegoNumber(String(reader.sint64()));
    case ScalarType.SFIXED64:
      return new RegoNumber(String(reader.sfixed64()));
    case ScalarType.UINT64:
      return new RegoNumber(String(reader.uint64()));
    case ScalarType.FIXED64:
      return new RegoNumber(String(reader.fixed64()));
  }
}

/** What has no number text in JSON is text, as in Go's `Struct.AsMap`. */
function floatOf(value: number): RegoValue {
  return Number.isFinite(value) ? new RegoNumber(goFloat(value, "g", undefined)) : String(value);
}

function zero(type: ScalarType): RegoValue {
  if (type === ScalarType.STRING || type === ScalarType.BYTES) return "";
  return type === ScalarType.BOOL ? false : new RegoNumber("0");
}

function fieldsOf(message: Message): RegoObject {
  const entries: [string, RegoValue][] = [];
  for (const field of message.desc.fields) {
    const stored = message.stored.get(field.number);
    if (stored === undefined || (field.presence === FeatureSet_FieldPresence.IMPLICIT && isZero(stored))) continue;
    entries.push([field.jsonName, documentOf(stored)]);
  }
  return new RegoObject(entries);
}

/** Without presence of its own, a field that is zero is one that is not there. */
function isZero(stored: Stored): boolean {
  if (stored instanceof StoredList) return stored.items.length === 0;
  return stored === "" || stored === false || (stored instanceof RegoNumber && stored.text === "0");
}

function documentOf(stored: Stored): RegoValue {
  if (stored instanceof StoredList) return stored.items.map(documentOf);
  if (stored instanceof StoredMap) return objectOf(stored);
  return stored instanceof Message ? messageValue(stored) : stored;
}

function objectOf(map: StoredMap): RegoObject {
  return new RegoObject([...map.entries].map(([key, value]) => [key, documentOf(value)] as const));
}

function messageValue(message: Message): RegoValue {
  const [only] = message.stored.values();
  switch (message.desc.typeName) {
    case "google.protobuf.Struct":
      return only instanceof StoredMap ? objectOf(only) : new RegoObject([]);
    case "google.protobuf.ListValue":
      return only instanceof StoredList ? only.items.map(documentOf) : [];
    case "google.protobuf.Value": {
      const isNull = only === undefined || message.stored.has(NULL_VALUE);
      return isNull ? null : documentOf(only);
    }
    default:
      return fieldsOf(message);
  }
}

const NULL_VALUE = 1;
