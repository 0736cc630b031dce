/** The names of the metrics that processes show, a decision service of two workers in compatibility mode among them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../scripts/tools/run-command.ts";
import { freePort } from "../harness/free-port.ts";
import { createDecision } from "../harness/system/decision.ts";
import { makeKeyPair } from "../harness/system/key-pair.ts";
import type { System } from "../harness/system.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

const opa = await resolveTool("opa");

export async function metricsOf(opsUrl: string): Promise<readonly string[]> {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  return [...text.matchAll(/^# TYPE (countersign_\S+) /gm)].map(([, name = ""]) => name);
}

/** A policy of opa-envoy-plugin's own, which has metrics of its own, and so has the process that watches the workers. */
export async function compatMetrics(system: System): Promise<readonly string[]> {
  if (opa.kind !== "found") throw new Error("OPA is needed for the metrics of compatibility mode");
  const folder = await mkdtemp(join(tmpdir(), "compat-metrics-"));
  try {
    await mkdir(join(folder, "policy"));
    await writeFile(join(folder, "policy/policy.rego"), "package envoy.authz\n\nallow := true\n");
    const bundle = join(folder, "bundle.tar.gz");
    const args = ["build", "-t", "wasm", "-e", "envoy/authz/allow", "-o", bundle, "policy"];
    expect(await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder })).toMatchObject({ kind: "done" });
    const opsPorts = [await freePort(), await freePort()] as const;
    const workers = { workers: 2, workerPorts: [await freePort(), await freePort()], workerOpsPorts: opsPorts };
    await using compat = await createDecision(
      {
        ...{ folder, name: "compat", deployment: system.deployment, issuers: [], brokers: system.kafka.brokers },
        ...{
          requestUrl: "https://a.example",
          redemption: { address: "127.0.0.1:9", serviceToken: "unused, not short" },
        },
        ...{ signing: await makeKeyPair(folder, "compat"), stateRelay: await makeKeyPair(folder, "relay") },
      },
      ({ state: _state, redemption: _redemption, ...settings }) => ({
        ...settings,
        ...workers,
        ...{ bundle: { path: bundle, unsigned: "accepted" }, policy: { compat: { path: "envoy/authz/allow" } } },
      }),
    );
    await compat.start();
    const ofWorker = () => metricsOf(`http://127.0.0.1:${opsPorts[0]}`).catch(() => undefined);
    return [...(await metricsOf(compat.opsUrl)), ...(await waitUntil("a worker's metrics", 30_000, ofWorker))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
