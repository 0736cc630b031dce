/**
 * A real gateway, as a process, with its committed configuration. Only addresses are exchanged, as for Envoy, so what the tests
 * show is shown of the file that users take; a test can say more about routes and the decision service.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse, stringify } from "yaml";
import { keepText } from "./kept-logs.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { nodeOptions } from "../../platform/programs/launch/node-options.ts";

export interface RunningGateway extends AsyncDisposable {
  readonly port: number;
  readonly opsUrl: string;
  /** What it has logged so far, line by line. */
  readonly lines: readonly string[];
  /** SIGHUP. */
  reload(): void;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
}

interface GatewayTargets {
  /** Loopback port of the decision service. */
  readonly authorization: number;
  /** Loopback port, or an origin. */
  readonly upstream: number | string;
  /** Over the committed configuration, section by section; every route gets this upstream. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
}

const root = join(import.meta.dirname, "../..");

export async function startGatewayProcess(targets: GatewayTargets): Promise<RunningGateway> {
  const committed: unknown = parse(await readFile(join(root, "enforcers/node/gateway.yaml"), "utf8"));
  const config = { ...record(committed), ...targets.settings };
  const upstream = typeof targets.upstream === "string" ? targets.upstream : `http://127.0.0.1:${targets.upstream}`;
  const routes = Array.isArray(config["routes"]) ? config["routes"] : [];
  const folder = await mkdtemp(join(tmpdir(), "countersign-gateway-"));
  const file = join(folder, "gateway.yaml");
  await writeFile(
    file,
    stringify({
      ...config,
      listen: { ...record(config["listen"]), port: 0 },
      ops: { ...record(config["ops"]), port: 0 },
      authorization: { address: `127.0.0.1:${targets.authorization}`, ...record(targets.settings?.["authorization"]) },
      routes: routes.map((route) => ({ ...record(route), upstream })),
    }),
  );
  const main = join(root, "enforcers/node/main.ts");
  const child = spawn(process.execPath, [...(await nodeOptions()), main, "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...targets.env },
  });
  const closed = once(child, "close");
  const lines: string[] = [];
  child.once("close", () => keepText(lines.join("\n"), "gateway"));
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on("line", (line) => lines.push(line));
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
    await closed;
    await rm(folder, { recursive: true, force: true });
    return child.exitCode;
  };
  try {
    const started = await waitUntil("the gateway's start line", 60_000, () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}:\n${lines.join("\n")}`);
      return lines.find((line) => line.includes('"event":"started"'));
    });
    const line = record(JSON.parse(started));
    return {
      port: Number(String(line["http"]).split(":").at(-1)),
      opsUrl: `http://${String(line["ops"])}`,
      lines,
      reload: () => void child.kill("SIGHUP"),
      stop,
      async [Symbol.asyncDispose]() {
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
