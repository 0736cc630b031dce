/**
 * The first message of a gRPC request body as protojson, by the descriptors that the operator configured: what
 * opa-envoy-plugin puts into `parsed_body`. Unknown methods, client streaming and compressed messages are `null`.
 *
 * NB: records whose wire type is not that of their field are dropped before the message is read, since every protobuf
 * server takes them for unknown fields; read otherwise, the policy would judge another message than the server executes.
 * An `Any` is opened only for well-known types, as the plugin resolves them from its own binary.
 */
import {
  createFileRegistry,
  createRegistry,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type Registry,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as wellKnown from "@bufbuild/protobuf/wkt";
import { AppError } from "../../domain/app-error.ts";
import type { Json } from "../../domain/subject.ts";
import { RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { fieldsByNumber, isPackable, scalarWireType, valueWireType, wireTypeOf } from "./wire-fields.ts";

type GrpcBody =
  | { readonly kind: "parsed"; readonly body: RegoValue; readonly truncated: boolean }
  | { readonly kind: "fault"; readonly message: string };

export type GrpcBodies = { parse(path: readonly string[], body: Uint8Array): GrpcBody };

const FRAME_HEADER = 5;
const NOTHING: GrpcBody = { kind: "parsed", body: null, truncated: false };

/** @throws AppError invalid_configuration when these bytes are no FileDescriptorSet with all its imports */
export function createGrpcBodies(descriptorSet: Uint8Array): GrpcBodies {
  const registry = fileRegistry(descriptorSet);
  const anyTypes = createRegistry(
    wellKnown.AnySchema,
    wellKnown.BoolValueSchema,
    wellKnown.BytesValueSchema,
    wellKnown.DoubleValueSchema,
    wellKnown.DurationSchema,
    wellKnown.EmptySchema,
    wellKnown.FieldMaskSchema,
    wellKnown.FloatValueSchema,
    wellKnown.Int32ValueSchema,
    wellKnown.Int64ValueSchema,
    wellKnown.ListValueSchema,
    wellKnown.StringValueSchema,
    wellKnown.StructSchema,
    wellKnown.TimestampSchema,
    wellKnown.UInt32ValueSchema,
    wellKnown.UInt64ValueSchema,
    wellKnown.ValueSchema,
  );
  return {
    parse(path, body) {
      const [service = "", method = "", ...more] = path;
      if (more.length > 0 || path.length < 2) return { kind: "fault", message: "invalid parsed path" };
      if (body.length < FRAME_HEADER) return { kind: "fault", message: "less than 5 bytes" };
      if (body[0] !== 0) return NOTHING;
      const length = new DataView(body.buffer, body.byteOffset, body.byteLength).getUint32(1);
      const rest = body.subarray(FRAME_HEADER);
      if (length > rest.length) return { kind: "parsed", body: null, truncated: true };
      const found = registry.getService(service)?.methods.find(({ name }) => name === method);
      return found === undefined || isClientStreaming(found)
        ? NOTHING
        : parsed(found.input, rest.subarray(0, length), anyTypes);
    },
  };
}

function fileRegistry(descriptorSet: Uint8Array) {
  try {
    return createFileRegistry(fromBinary(wellKnown.FileDescriptorSetSchema, descriptorSet));
  } catch (error) {
    throw new AppError("invalid_configuration", "the proto descriptor cannot be read", { cause: error });
  }
}

function isClientStreaming({ methodKind }: DescMethod): boolean {
  return methodKind === "client_streaming" || methodKind === "bidi_streaming";
}

function parsed(desc: DescMessage, bytes: Uint8Array, registry: Registry): GrpcBody {
  try {
    const message = fromBinary(desc, wellTyped(desc, bytes, 1));
    roundFloats(reflect(desc, message));
    return { kind: "parsed", body: regoOfProtojson(jsonOf(desc, message, registry)), truncated: false };
  } catch {
    return { kind: "fault", message: "proto: the message cannot be read" };
  }
}

function jsonOf(desc: DescMessage, message: Message, registry: Registry): Json {
  return toJson(desc, message, { registry });
}

const MAX_DEPTH = 100;

/** The same message without records that do not fit their fields. */
function wellTyped(desc: DescMessage, bytes: Uint8Array, depth: number): Uint8Array {
  if (depth > MAX_DEPTH) throw new AppError("invalid_argument", "nested too deeply");
  const reader = new BinaryReader(bytes);
  const writer = new BinaryWriter();
  const fields = fieldsByNumber(desc);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const data = reader.skip(wireType, number);
    const field = fields.get(number);
    if (field === undefined) continue;
    const packed = wireType === WireType.LengthDelimited && isPackable(field);
    if (wireType !== wireTypeOf(field) && !packed) continue;
    writer.tag(number, wireType);
    if (wireType !== WireType.LengthDelimited || packed) writer.raw(data);
    else if (field.fieldKind === "map") writer.bytes(wellTypedEntry(field, contentOf(data), depth));
    else if (field.message === undefined) writer.raw(data);
    else writer.bytes(wellTyped(field.message, contentOf(data), depth + 1));
  }
  return writer.finish();
}

type MapField = Extract<DescMessage["fields"][number], { fieldKind: "map" }>;

function wellTypedEntry(field: MapField, bytes: Uint8Array, depth: number): Uint8Array {
  const reader = new BinaryReader(bytes);
  const writer = new BinaryWriter();
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const data = reader.skip(wireType, number);
    const wanted = number === 1 ? scalarWireType(field.mapKey) : number === 2 ? valueWireType(field) : undefined;
    if (wireType !== wanted) continue;
    writer.tag(number, wireType);
    if (number === 2 && field.message !== undefined) writer.bytes(wellTyped(field.message, contentOf(data), depth + 1));
    else writer.raw(data);
  }
  return writer.finish();
}

/** What `skip` gives of a length-delimited record begins with its length. */
function contentOf(data: Uint8Array): Uint8Array {
  return new BinaryReader(data).bytes();
}

/** A `float` is written with the digits that a float needs, not with those of the double that holds it. */
function roundFloats(message: ReflectMessage): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === "scalar" && field.scalar === ScalarType.FLOAT) {
      const value = message.get(field);
      if (typeof value === "number") message.set(field, shortest(value));
    } else if (field.fieldKind === "message") roundFloats(message.get(field));
    else if (field.fieldKind === "list") {
      const list = message.get(field);
      for (const [at, item] of [...list].entries()) {
        if (field.listKind === "message" && isReflected(item)) roundFloats(item);
        else if (field.listKind === "scalar" && field.scalar === ScalarType.FLOAT && typeof item === "number") {
          list.set(at, shortest(item));
        }
      }
    } else if (field.fieldKind === "map") {
      const map = message.get(field);
      for (const [key, item] of [...map.entries()]) {
        if (field.mapKind === "message" && isReflected(item)) roundFloats(item);
        else if (field.mapKind === "scalar" && field.scalar === ScalarType.FLOAT && typeof item === "number") {
          map.set(key, shortest(item));
        }
      }
    }
  }
}

function isReflected(value: unknown): value is ReflectMessage {
  return typeof value === "object" && value !== null && "desc" in value && "fields" in value;
}

const FLOAT_DIGITS = 9;

function shortest(value: number): number {
  for (let digits = 1; digits < FLOAT_DIGITS; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return rounded;
  }
  return value;
}

/** JavaScript and Go's protojson write doubles alike, but for minus zero. */
function regoOfProtojson(json: Json): RegoValue {
  if (typeof json === "number") return new RegoNumber(Object.is(json, -0) ? "-0" : String(json));
  if (typeof json !== "object" || json === null) return json;
  if (isList(json)) return json.map(regoOfProtojson);
  return new RegoObject(Object.entries(json).map(([key, value]) => [key, regoOfProtojson(value)] as const));
}

function isList(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}
