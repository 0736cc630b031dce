/**
 * Generates `proto/gen` from our own .proto files and from the Envoy API that @grpc/grpc-js-xds carries, with buf and
 * ts-proto, both pinned by the lock file; needs no network. Options: buf.yaml, buf.gen.yaml.
 *
 * buf also emits annotation files (validate, udpa, descriptor …) that no message needs at run time. They are dropped by
 * keeping only what the entry files import, directly or not, so the committed folder holds what can be executed.
 * The new tree is finished in a temporary folder first: a failing run leaves `proto/gen` as it was.
 */
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "..");
const bin = path.join(root, "node_modules/.bin");
const externalAuth = "node_modules/@grpc/grpc-js-xds/deps/envoy-api/envoy/service/auth/v3/external_auth.proto";

/** What is served or called; everything else is kept only when one of these imports it. */
const entryFiles = [
  "envoy/service/auth/v3/external_auth.ts",
  "countersign/v1/decision.ts",
  "countersign/v1/redemption.ts",
];

/** Runs buf into `out`. Rejects with buf's own message when a .proto file is wrong. */
async function generateInto(out: string): Promise<void> {
  const types = [
    "envoy.service.auth.v3.Authorization",
    "countersign.v1.DecisionService",
    "countersign.v1.RedemptionService",
  ];
  await run(
    path.join(bin, "buf"),
    [
      "generate",
      "--include-imports",
      ...types.flatMap((type) => ["--type", type]),
      ...[externalAuth, "proto/countersign"].flatMap((file) => ["--path", file]),
      ...["--output", out],
    ],
    { cwd: root, env: { ...process.env, PATH: `${bin}:${process.env["PATH"] ?? ""}` } },
  );
}

/** The entry files and all that they import, as absolute paths. */
async function reachable(out: string): Promise<Set<string>> {
  const seen = new Set<string>();
  const open = entryFiles.map((file) => path.join(out, file));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const source = await readFile(file, "utf8");
    for (const [, target] of source.matchAll(/ from "(\.[^"]+)";/g)) {
      if (target !== undefined) open.push(path.resolve(path.dirname(file), target));
    }
  }
  return seen;
}

async function main(): Promise<void> {
  const scratch = await mkdtemp(path.join(tmpdir(), "countersign-proto-"));
  try {
    await generateInto(scratch);
    const keep = await reachable(scratch);
    const target = path.join(root, "proto/gen");
    await rm(target, { recursive: true, force: true });
    for (const entry of await readdir(scratch, { recursive: true, withFileTypes: true })) {
      const file = path.join(entry.parentPath, entry.name);
      if (entry.isFile() && keep.has(file)) await cp(file, path.join(target, path.relative(scratch, file)));
    }
    process.stdout.write(`proto/gen: ${keep.size} files\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

await main();
