/**
 * `docs/migrating-from-opa-envoy-plugin.md`, typed as it stands by somebody who stands in a checkout: what it says to write is written, what it
 * says to type is typed, and what its comments promise comes back. Exchanged are the folder for configuration and the ports. No broker is there.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { hasEnvoy } from "../harness/envoy.ts";
import { freePort } from "../harness/free-port.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const BOOTSTRAP = "enforcers/envoy/compat.yaml";
jest.setTimeout(60_000);

const page = await readFile(join(ROOT, "docs/migrating-from-opa-envoy-plugin.md"), "utf8");
const canRun = (await hasEnvoy()) && (await resolveTool("opa")).kind === "found";

/** The indented blocks of a section, in order. */
function blocksOf(section: string): readonly string[] {
  const [, body = ""] = page.split(new RegExp(`^## ${section}.*\\n`, "m"));
  const [own = ""] = body.split(/^## /m);
  return [...own.matchAll(/(?:^ {4}.*\n|^\n(?= {4}))+/gm)].map(([block]) => block.replace(/^ {4}/gm, "").trim());
}

(canRun ? describe : describe.skip)("the page about migrating from opa-envoy-plugin", () => {
  let folder: string;
  let exchanged: ReadonlyMap<string, string>;
  let env: NodeJS.ProcessEnv;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "migration-"));
    const own = new Set(["policy", "built.tar.gz", "changed.tar.gz", "recorded.ndjson"]);
    for (const name of await readdir(ROOT)) if (!own.has(name)) await symlink(join(ROOT, name), join(folder, name));
    const [listen, ops, proxy, upstream, admin] = await Promise.all([0, 0, 0, 0, 0].map(freePort));
    const ports = [
      ["9191", listen],
      ["9192", ops],
      ["8080", proxy],
      ["8081", upstream],
      ["9901", admin],
    ] as const;
    const bootstrap = await readFile(join(ROOT, BOOTSTRAP), "utf8");
    const moved = ports.reduce(
      (all, [usual, here]) => all.replaceAll(`port_value: ${usual}`, `port_value: ${here}`),
      bootstrap,
    );
    await writeFile(join(folder, "compat.yaml"), moved);
    exchanged = new Map([
      ["/etc/countersign", join(folder, "etc")],
      ["/var/lib/countersign", join(folder, "var")],
      [BOOTSTRAP, join(folder, "compat.yaml")],
      ...ports.map(([usual, here]) => [usual, String(here)] as const),
    ]);
    const ownPorts = { COUNTERSIGN_LISTEN_PORT: String(listen), COUNTERSIGN_OPS_PORT: String(ops) };
    env = { ...process.env, ...ownPorts, PATH: `${join(ROOT, ".tools/bin")}:${process.env["PATH"]}` };
  });
  afterAll(async () => {
    for (const child of running.toReversed()) await ended(child);
    await rm(folder, { recursive: true, force: true });
  });

  /** All at once, so that nothing that was put in is taken for something else. */
  function here(typed: string): string {
    const usual = new RegExp([...exchanged.keys()].join("|"), "g");
    return typed.replace(usual, (found) => exchanged.get(found) ?? found);
  }

  /** In one shell, which stops at the first command that fails. */
  async function typed(commands: string): Promise<string> {
    const shell = spawn("bash", ["-eu", "-c", here(commands)], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    const left = once(shell, "exit");
    const [out, err] = await Promise.all([text(shell.stdout), text(shell.stderr)]);
    await left;
    if (shell.exitCode !== 0) throw new Error(`${commands}\n${out}\n${err}`);
    return out;
  }

  /** What goes on while other things are typed. */
  function typedAndLeft(command: string): ChildProcess {
    const shell = spawn("bash", ["-eu", "-c", here(command)], { cwd: folder, env, detached: true, stdio: "ignore" });
    running.push(shell);
    return shell;
  }

  const lineOf = (block: string | undefined, part: string) =>
    block?.split("\n").find((line) => line.includes(part)) ?? "";
  const ready = (what: string) => async () => (await typed(`${what} || true`)).includes('"status"');

  /** The three calls through Envoy, each with what its comment promises. */
  async function asked(block: string | undefined): Promise<readonly (readonly [promised: string, answer: string])[]> {
    const calls = (block ?? "").split("\n").filter((line) => line.startsWith("curl"));
    return Promise.all(
      calls.map(
        async (call): Promise<readonly [string, string]> => [/# (\d+)/.exec(call)?.[1] ?? "", await typed(call)],
      ),
    );
  }

  test("1: the policy is built and signed", async () => {
    const [policy = "", build = "", sign = ""] = blocksOf("1");
    await mkdir(join(folder, "policy"));
    await writeFile(join(folder, "policy/policy.rego"), `${policy}\n`);
    await typed(build);
    await typed(sign);
    expect(await readdir(join(folder, "etc"))).toEqual(["bundle.tar.gz", "policy-1.pub.pem"]);
  });

  test("2: the service finds its configuration good, starts without a broker and is ready", async () => {
    const [key = "", configuration = "", commands = ""] = blocksOf("2");
    await typed(key);
    await writeFile(join(folder, "etc/decision.yaml"), here(configuration));
    const [check = "", start = ""] = commands.split("\n");
    await typed(check);
    typedAndLeft(start);
    const readyz = lineOf(commands, "readyz");
    await waitUntil("the service", 30_000, ready(readyz));
    expect(await typed(readyz)).toContain('"compat":{"status":"ok"}');
  });

  test("3: Envoy takes the bootstrap, and each call is answered as its comment says", async () => {
    const [envoy = "", calls = ""] = blocksOf("3");
    await typed(lineOf(envoy, "--mode validate"));
    typedAndLeft(lineOf(envoy, "envoy -c"));
    typedAndLeft(lineOf(calls, "node -e").replace(/ &$/, ""));
    await waitUntil("Envoy and what is behind it", 30_000, async () => {
      return (await typed("curl -si http://127.0.0.1:8080/health || true")).includes("200 OK");
    });
    const answers = await asked(calls);
    expect(answers.map(([promised]) => promised)).toEqual(["200", "403", "200"]);
    for (const [promised, answer] of answers) expect(answer).toContain(`HTTP/1.1 ${promised}`);
    expect(answers[2]?.[1]).toContain("x-user: dana");
    const [, , commands = ""] = blocksOf("2");
    const counted = await typed(lineOf(commands, "/metrics"));
    for (const outcome of ["allow", "deny"]) expect(counted).toContain(`outcome="${outcome}"`);
  });

  test("4: without effect, what was denied is allowed, everybody can see it, and what was asked is explained and tried again", async () => {
    const [change = "", explained = ""] = blocksOf("4");
    const [, configuration = "", commands = ""] = blocksOf("2");
    const dry = configuration.replace(/policy:\n.*compat:.*/, change);
    expect(dry).toContain("dryRun");
    await writeFile(join(folder, "etc/decision.yaml"), here(dry));
    const [service] = running;
    if (service !== undefined) await ended(service);
    await waitUntil(
      "the first one to be gone",
      30_000,
      async () => (await typed(`${lineOf(commands, "readyz")} || true`)) === "",
    );
    typedAndLeft(commands.split("\n")[1] ?? "");
    const readyz = lineOf(commands, "readyz");
    await waitUntil("the service", 30_000, ready(readyz));
    expect(await typed(readyz)).toContain("unsafe: onError deny, dryRun true");
    const [, calls = ""] = blocksOf("3");
    await waitUntil(
      "a call without a user",
      30_000,
      async () => (await asked(calls))[1]?.[1].includes("200 OK") === true,
    );
    const metrics = await typed(lineOf(commands, "/metrics").replace(/grep \S+/, "grep compat_unsafe"));
    expect(metrics).toContain("countersign_decision_compat_unsafe 1");
    const told = await typed(explained);
    expect(told).toMatch(/by bundle [0-9a-f]+, [1-9]\d* fuel/);
    expect(told).toContain("envoy.authz: allow");
    expect(told).not.toContain("NOT what the source says");
    expect(told).toMatch(/[1-9]\d* inputs, 0 differ/);
  });
});

test("nothing is left to type in the sections that say what differs, and what comes afterwards", () => {
  expect(page.match(/^## .*/gm)).toHaveLength(6);
  expect([blocksOf("5"), blocksOf("6")]).toEqual([[], []]);
});

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGTERM");
  await gone;
}
