/**
 * gRPC server reflection, version 1 and 1alpha: tools such as grpcurl and `buf curl` learn the schema from the server. Loaded only if configured.
 * It serves the compiler's own descriptors, because those that proto-loader makes from .proto files lose which file imports which. NB: it does
 * not authenticate, so configuration refuses it where anybody could ask. ext_authz and redemption never have it: enforcers have the schema, and
 * nobody else has business there.
 */
import { readFile } from "node:fs/promises";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";

const DESCRIPTORS = new URL("../../../../proto/descriptor/decision.binpb", import.meta.url);

export async function addReflection(server: Pick<Server, "addService">): Promise<void> {
  const { ReflectionService } = await import("@grpc/reflection");
  const { file } = fromBinary(FileDescriptorSetSchema, await readFile(DESCRIPTORS));
  const fileDescriptorProtos = file.map((one) => Buffer.from(toBinary(FileDescriptorProtoSchema, one)));
  const schema = { format: "Protocol Buffer 3 DescriptorProto", type: {}, fileDescriptorProtos } as const;
  new ReflectionService({ "countersign.v1": schema }).addToServer(server);
}
