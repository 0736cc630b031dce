/**
 * The bytes of a CheckRequest → the document that a policy sees in compatibility mode. Made from the wire format, because the generated types
 * keep neither nanoseconds nor the difference between absent and empty.
 */
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { AppError } from "../../../core/domain/app-error.ts";
import { messageDocument } from "../../../core/policy/envoy-input/message-document.ts";
import type { RegoObject } from "../../../core/policy/rego-value/value.ts";

/** Undefined when the bytes are no CheckRequest, or hold text that is not UTF-8. */
export type ReadCompatRequest = (bytes: Uint8Array) => RegoObject | undefined;

/** @param descriptorSet proto/descriptor/check.binpb */
export function createReadCompatRequest(descriptorSet: Uint8Array): ReadCompatRequest {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const desc = registry.getMessage("envoy.service.auth.v3.CheckRequest");
  if (desc === undefined) throw new AppError("internal", "the descriptors hold no CheckRequest");
  return (bytes) => {
    try {
      return messageDocument(desc, bytes);
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  };
}
