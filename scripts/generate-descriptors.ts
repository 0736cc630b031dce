/**
 * Writes `proto/descriptor`: descriptors of messages whose schema is needed while we run, from the same .proto files as `proto/gen`; needs no
 * network. `check.binpb`: Envoy's CheckRequest and CheckResponse. Compatibility mode reads requests by them, since generated code drops what a
 * policy of opa-envoy-plugin can see; the conformance runner turns cases into messages with them. `decision.binpb`: what reflection tells.
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "..");
const externalAuth = "node_modules/@grpc/grpc-js-xds/deps/envoy-api/envoy/service/auth/v3/external_auth.proto";
const check = ["envoy.service.auth.v3.CheckRequest", "envoy.service.auth.v3.CheckResponse"];

await mkdir(path.join(root, "proto/descriptor"), { recursive: true });
await write("proto/descriptor/check.binpb", check, externalAuth);
await write(
  "proto/descriptor/decision.binpb",
  ["countersign.v1.DecisionService"],
  "proto/countersign/v1/decision.proto",
);

/** These types of the file and all that they refer to. */
async function write(output: string, types: readonly string[], file: string): Promise<void> {
  await promisify(execFile)(
    path.join(root, "node_modules/.bin/buf"),
    [
      "build",
      ...["--as-file-descriptor-set", "--exclude-source-info"],
      ...types.flatMap((type) => ["--type", type]),
      ...["--path", file, "--output", output],
    ],
    { cwd: root },
  );
  process.stdout.write(`${output}\n`);
}
