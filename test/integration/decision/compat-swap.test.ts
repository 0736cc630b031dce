/** Bundles of an opa-envoy-plugin policy, made by a real OPA: swapped, refused at a reload with the last good one kept, and held to their own test. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import pino from "pino";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { startCompatPolicy } from "../../../core/policy/start-compat-policy.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { resolveTool } from "../../../scripts/tools/resolve-tool.ts";
import { runCommand } from "../../../scripts/tools/run-command.ts";
import { hasOpa } from "../../harness/made-bundle.ts";

const PATH = "envoy/authz/allow";
const OPEN = 'package envoy.authz\n\ndefault allow := false\n\nallow if input.parsed_path[0] == "open"\n';
const CLOSED = 'package envoy.authz\n\nallow := {"allowed": false, "http_status": 402, "body": input.parsed_path[0]}\n';
const LISTED = "package envoy.authz\n\ndefault allow := false\n\nallow if input.parsed_path[0] in data.doors\n";
const INPUT = '{"parsed_path":["open"]}';
const caseOf = (expected: unknown, more: object = {}) => ({
  cases: [
    { name: "the door", time: "2026-11-24T10:00:00Z", input: { parsed_path: ["open"] }, expect: expected, ...more },
  ],
});

let folder: string;
let bundle: string;
let stop: AbortController;
let running: AsyncDisposable[];
/** What the log says of each activation. */
let compiled: unknown[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "compat-swap-"));
  bundle = join(folder, "bundle");
  await mkdir(bundle);
  stop = new AbortController();
  running = [];
  compiled = [];
});
afterEach(async () => {
  stop.abort();
  for (const one of running) await one[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

async function put(rego: string, { entrypoint = PATH, selfTest }: { entrypoint?: string; selfTest?: unknown } = {}) {
  const opa = await resolveTool("opa");
  if (opa.kind === "missing") throw new Error(opa.reason);
  await writeFile(join(folder, "policy.rego"), rego);
  const archive = join(folder, "built.tar.gz");
  const args = ["build", "-t", "wasm", "-e", entrypoint, "-o", archive, "policy.rego"];
  expect(await runCommand(opa.location, args, { timeoutMs: 60_000, cwd: folder })).toMatchObject({ kind: "done" });
  await rm(join(bundle, "self-test.json"), { force: true });
  await runCommand("tar", ["-xzf", archive, "-C", bundle, "/policy.wasm"], { timeoutMs: 60_000 });
  if (selfTest !== undefined) await writeFile(join(bundle, "self-test.json"), JSON.stringify(selfTest));
}

const configured = () =>
  ({
    ...{ path: bundle, keepFolder: join(folder, "kept"), unsigned: "accepted" as const, scope: "", trustedKeys: {} },
    ...{ pollSeconds: 3_600, waitSeconds: 30 },
  }) as const;

const putData = (data: unknown) => writeFile(join(bundle, "data.json"), JSON.stringify(data));

const log = pino(
  { level: "info" },
  {
    write(line) {
      const { event, ...said } = JSON.parse(line);
      if (event === "bundle_activated") compiled.push(said.compiled);
    },
  },
);

async function start() {
  const parts = { clock: systemClock, signal: stop.signal, log };
  const options = { bundle: configured(), path: PATH, budget: DEFAULT_BUDGET, builtins: BUILTINS };
  const started = await startCompatPolicy({ ...parts, metrics: createMetrics({ prefix: "x_" }) }, options);
  running.push(started.bundles);
  return {
    ...started,
    reload: () => started.bundles.reload(configured()),
    answer: () => started.current()?.evaluate(INPUT, { nowNs: 1n }).result,
  };
}

((await hasOpa()) ? describe : describe.skip)("the bundle of a compatibility policy", () => {
  test("another one takes over at a reload", async () => {
    await put(OPEN);
    const { reload, answer, current } = await start();
    const before = current()?.revision;
    expect(answer()).toMatchObject({ kind: "allow" });
    await put(CLOSED);
    await reload();
    expect(answer()).toMatchObject({ kind: "deny", fields: { httpStatus: 402, body: "open" } });
    expect(current()?.revision).not.toBe(before);
  });

  test("where only data differs the module is not compiled again, and the new data decide; another module is", async () => {
    await put(LISTED, { selfTest: caseOf(false) });
    await putData({ doors: ["shut"] });
    const { reload, answer, current } = await start();
    const module = current()?.module.module;
    expect(answer()).toMatchObject({ kind: "deny" });

    await putData({ doors: ["shut", "open"] });
    await expect(reload()).rejects.toThrow('case "the door" fails');
    expect(answer()).toMatchObject({ kind: "deny" });
    await writeFile(join(bundle, "self-test.json"), JSON.stringify(caseOf(true)));
    await reload();
    expect(answer()).toMatchObject({ kind: "allow" });
    expect(current()?.module.module).toBe(module);

    await putData({ doors: [] });
    await put(LISTED);
    await reload();
    expect(answer()).toMatchObject({ kind: "deny" });
    expect(current()?.module.module).toBe(module);

    await put(OPEN);
    await reload();
    expect(answer()).toMatchObject({ kind: "allow" });
    expect(compiled).toEqual([true, false, false, true]);
  });

  test.each<[string, () => Promise<void>, string]>([
    [
      "no entrypoint on the path",
      () => put(OPEN.replace("authz", "other"), { entrypoint: "envoy/other/allow" }),
      "no entrypoint of the bundle lies on",
    ],
    ["a module that is none", () => writeFile(join(bundle, "policy.wasm"), "no module"), "invalid_bundle"],
    ["no module at all", () => rm(join(bundle, "policy.wasm")), "invalid_bundle"],
    ["a case of its own that it fails", () => put(CLOSED, { selfTest: caseOf(true) }), 'case "the door" fails'],
    [
      "a case of the native form",
      () => put(CLOSED, { selfTest: caseOf({}, { entrypoint: "decide" }) }),
      "in compatibility mode a case is",
    ],
  ])("%s is refused at a reload, and the last good one decides, also after a restart", async (_name, replace, says) => {
    await put(OPEN);
    const { reload, answer, bundles } = await start();
    await replace();
    await expect(reload()).rejects.toThrow(says);
    expect(answer()).toMatchObject({ kind: "allow" });
    expect(bundles.health()).toMatchObject({ status: "degraded" });
    expect((await start()).answer()).toMatchObject({ kind: "allow" });
  });

  test("its own test is run: a boolean, or the named keys of an object; and the cases are counted", async () => {
    await put(OPEN, { selfTest: caseOf(true) });
    const { reload, current } = await start();
    expect(current()?.cases).toBe(1);
    await put(CLOSED, { selfTest: caseOf({ allowed: false, body: "open" }) });
    await reload();
    expect(current()?.cases).toBe(1);
  });

  test("a policy without an answer to the empty input of the warm-up is taken, as by OPA", async () => {
    await put(
      'package envoy.authz\n\nallow if input.parsed_path[0] == "open"\n\nallow := false if input.parsed_path == [""]\n\nallow if input.parsed_path == [""]\n',
    );
    expect((await start()).answer()).toMatchObject({ kind: "allow" });
  });
});
