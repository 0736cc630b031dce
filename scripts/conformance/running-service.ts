/** The real decision service as a process of its own, in a folder that goes with it. Its stream is nowhere, as while brokers are away. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { stringify } from "yaml";
import { nodeOptions } from "../../platform/programs/launch/node-options.ts";

const START_MS = 30_000;

type RunningService = AsyncDisposable & {
  /** What was found in its log. */
  readonly found: string;
};

type ServicePlan = {
  /** Of the repository. */
  readonly root: string;
  /** The configuration but for its stream and decision log. `file` writes one into the folder and says where it is. */
  readonly settings: (file: (name: string, text: string) => Promise<string>) => Promise<object>;
  readonly env?: Readonly<Record<string, string>>;
  /** Its first group is looked for in what the service says; found, it has started. */
  readonly started: RegExp;
};

/** Rejects with what the process said when it does not come up. */
export async function startService({ root, settings, env = {}, started }: ServicePlan): Promise<RunningService> {
  const folder = await mkdtemp(path.join(tmpdir(), "countersign-conformance-"));
  const file = async (name: string, text: string) => {
    await writeFile(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  };
  const log = path.join(folder, "log");
  await mkdir(log);
  const nowhere = { kafka: { brokers: ["127.0.0.1:1"] }, decisionLog: { folder: log } };
  const config = await file("decision.yaml", stringify({ ...(await settings(file)), ...nowhere }));
  const main = path.join(root, "services/decision/main.ts");
  const child = spawn(process.execPath, [...(await nodeOptions()), main, "--config", config], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: root,
    env: { PATH: process.env["PATH"], ...env },
  });
  const stop = async (): Promise<void> => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { found: await lineOf(child, started), [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function lineOf(child: ChildProcess, started: RegExp): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("the process has no output");
  const said: string[] = [];
  stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  return new Promise((resolve, reject) => {
    const fail = () => reject(new Error(`the decision service did not start: ${said.join("").slice(-2_000)}`));
    const timer = setTimeout(fail, START_MS);
    child.once("exit", fail);
    createInterface({ input: stdout }).on("line", (line) => {
      said.push(`${line}\n`);
      const found = started.exec(line)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      child.off("exit", fail);
      resolve(found);
    });
  });
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
