/**
 * Writes `proto/descriptor/check.binpb`: the descriptors of Envoy's CheckRequest and CheckResponse. Compatibility mode
 * reads requests by them, since generated code drops what a policy of opa-envoy-plugin can see; the conformance runner
 * turns cases into messages with them. From the same .proto files as `proto/gen`; needs no network.
 */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";

const root = path.resolve(import.meta.dirname, "..");
const externalAuth = "node_modules/@grpc/grpc-js-xds/deps/envoy-api/envoy/service/auth/v3/external_auth.proto";
const types = ["envoy.service.auth.v3.CheckRequest", "envoy.service.auth.v3.CheckResponse"];
const output = "proto/descriptor/check.binpb";

await mkdir(path.join(root, path.dirname(output)), { recursive: true });
await promisify(execFile)(
  path.join(root, "node_modules/.bin/buf"),
  [
    "build",
    ...["--as-file-descriptor-set", "--exclude-source-info"],
    ...types.flatMap((type) => ["--type", type]),
    ...["--path", externalAuth, "--output", output],
  ],
  { cwd: root },
);
process.stdout.write(`${output}\n`);
