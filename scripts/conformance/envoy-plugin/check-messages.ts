/**
 * Check requests and responses as protojson and as bytes, by the committed descriptors; the generated stubs belong to the
 * services, and would drop what the cases are about.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  createFileRegistry,
  createRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { PluginCase } from "./read-cases.ts";

export type CheckMessages = {
  requestBytes(one: PluginCase): Uint8Array;
  /** The recorded protojson of a response, as this library writes it. @throws when it is none */
  normalised(response: unknown): JsonValue;
  /** protojson */
  responseOf(bytes: Uint8Array): JsonValue;
};

const Json = Type.Cyclic(
  {
    Json: Type.Union([
      Type.Null(),
      Type.Boolean(),
      Type.Number(),
      Type.String(),
      Type.Array(Type.Ref("Json")),
      Type.Record(Type.String(), Type.Ref("Json")),
    ]),
  },
  "Json",
);
const isJson = Compile(Json);

export async function loadCheckMessages(root: string): Promise<CheckMessages> {
  const bytes = await readFile(path.join(root, "proto/descriptor/check.binpb"));
  const files = createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
  const registry = createRegistry(...files, StringValueSchema);
  const request = files.getMessage("envoy.service.auth.v3.CheckRequest");
  const response = files.getMessage("envoy.service.auth.v3.CheckResponse");
  if (request === undefined || response === undefined) throw new Error("the descriptors hold no check messages");
  return {
    requestBytes(one) {
      if (one.request_base64 !== undefined) return Buffer.from(one.request_base64, "base64");
      if (!isJson.Check(one.request)) throw new Error(`${one.group}/${one.name}: the request is no JSON`);
      return toBinary(request, fromJson(request, one.request, { registry }));
    },
    normalised(value) {
      if (!isJson.Check(value)) throw new Error("a recorded response is no JSON");
      return toJson(response, fromJson(response, value, { registry }), { registry });
    },
    responseOf: (encoded) => toJson(response, fromBinary(response, encoded, { recursionLimit: 10_000 }), { registry }),
  };
}
