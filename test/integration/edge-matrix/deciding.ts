/** The decision service behind an edge of the matrix, of both modes: a policy that allows everything, and what it was given for each allow. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { freePort } from "../../harness/free-port.ts";
import { makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";
import { createDecision } from "../../harness/system/decision.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { startLoneDecision } from "../decision/lone-decision.ts";

const ALLOW = `package countersign

decision := {"outcome": "allow", "reasons": ["all"], "elevations": [], "responses": [], "context_missing": [], "malformed": []}
`;
/** In this mode the service keeps no inputs; but a policy can tell of its own. */
const TELLING = `package envoy.authz

allow := {"allowed": true, "dynamic_metadata": {"input": json.marshal(input)}}
`;

type Deciding = AsyncDisposable & {
  readonly port: number;
  /** What the policy was given, by what was answered; of the last thousand. */
  inputs(): Promise<(answer: CheckResponse) => unknown>;
};

export async function startNative(): Promise<Deciding> {
  await using owned = new AsyncDisposableStack();
  const folder = await ownFolder(owned);
  const bundle = join(folder, "bundle");
  await makeBundle(bundle, [ALLOW, NO_APPROVAL], {});
  const further = { development: { keepInputs: 1_000 } };
  // Above the largest body of the matrix, with room for the rest of its request.
  const listen = { maxMessageBytes: 1024 * 1024 };
  const service = await startLoneDecision({ folder, name: "matrix", bundle, listen, further });
  owned.defer(() => service.kill());
  const all = owned.move();
  return {
    port: service.port,
    async inputs() {
      const text = await (await fetch(`${service.opsUrl}/v1/inputs`)).text();
      const kept = new Map<unknown, unknown>();
      for (const line of text.split("\n").filter((one) => one !== "")) {
        const { decision_id: id, input }: { readonly decision_id: string; readonly input: unknown } = JSON.parse(line);
        kept.set(id, input);
      }
      return ({ dynamicMetadata }) => kept.get(dynamicMetadata?.["decision_id"]);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export async function startCompat(): Promise<Deciding> {
  await using owned = new AsyncDisposableStack();
  const folder = await ownFolder(owned);
  const opa = await resolveTool("opa");
  if (opa.kind === "missing") throw new Error(`${opa.reason}; ${opa.help}`);
  await mkdir(join(folder, "policy"));
  await writeFile(join(folder, "policy/policy.rego"), TELLING);
  const path = join(folder, "bundle.tar.gz");
  const args = ["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o", path, "policy"];
  const built = await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder });
  if (built.kind === "failed") throw new Error(built.message);
  const nowhere = `127.0.0.1:${await freePort()}`;
  const service = await createDecision(
    {
      ...{ folder, name: "matrix", deployment: "test", issuers: [], brokers: [nowhere] },
      ...{ requestUrl: "https://a.example", redemption: { address: nowhere, serviceToken: "of nobody, long enough" } },
      ...{ signing: await makeKeyPair(folder, "signing"), stateRelay: await makeKeyPair(folder, "relay") },
    },
    ({ state: _state, redemption: _redemption, ...settings }) => ({
      ...settings,
      bundle: { path, unsigned: "accepted" },
      policy: { compat: { path: "envoy/authz/allow" } },
    }),
  );
  owned.defer(() => service.kill());
  await service.start();
  const all = owned.move();
  return {
    port: service.port,
    inputs: async () => (answer) => {
      const input: unknown = answer.dynamicMetadata?.["input"];
      return typeof input === "string" ? JSON.parse(input) : undefined;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function ownFolder(owned: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "edge-matrix-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
