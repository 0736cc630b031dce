/**
 * A real Envoy with one of the committed bootstraps. Only addresses are exchanged, so what the tests show is shown of the
 * file that users take. Refuses an Envoy below the security floor (SECURITY.md), asking the running server itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { envoy } from "../../scripts/tools/envoy.ts";
import { resolveTool } from "../../scripts/tools/resolve-tool.ts";
import { COLLECTOR_PORT, withTracing } from "./envoy-tracing.ts";
import { freePort } from "./free-port.ts";
import { keepText } from "./kept-logs.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";

export const ENVOY_FLOOR = [1, 38, 4] as const;

export interface RunningEnvoy extends AsyncDisposable {
  readonly port: number;
  readonly version: string;
  log(): string;
}

interface EnvoyTargets {
  /** Relative to the repository, such as `enforcers/envoy/native.yaml`, or absolute. */
  readonly bootstrap: string;
  /** Loopback ports by the bootstrap's own ports. Several for one: the endpoint is repeated, and Envoy takes turns. */
  readonly ports: ReadonlyMap<number, number | readonly number[]>;
  /** Clusters in place of the bootstrap's clusters of the same name, such as another committed file. */
  readonly clusters?: readonly EnvoyCluster[];
  /** Texts in place of the bootstrap's own, such as names of files, and a limit that a test cannot wait for. */
  readonly texts?: ReadonlyMap<string, string>;
  /** Port of a collector that it sends its spans to. */
  readonly collectorPort?: number | undefined;
}

export type EnvoyCluster = { readonly name: string; readonly [key: string]: unknown };

/** Whether there is an Envoy to start; a test that needs one is skipped without it, and that is listed (with CI=true: failed). */
export async function hasEnvoy(): Promise<boolean> {
  return (await resolveTool("envoy")).kind === "found";
}

const INGRESS_PORT = 8080;
const ADMIN_PORT = 9901;

export async function startEnvoy({
  bootstrap,
  ports,
  clusters = [],
  texts = new Map(),
  collectorPort,
}: EnvoyTargets): Promise<RunningEnvoy> {
  const tool = await resolveTool("envoy");
  if (tool.kind === "missing") throw new Error(`Envoy: ${tool.reason}; ${tool.help}`);
  const port = await freePort();
  const adminPort = await freePort();
  const exchange = new Map([...ports, [INGRESS_PORT, port], [ADMIN_PORT, adminPort]]);
  if (collectorPort !== undefined) exchange.set(COLLECTOR_PORT, collectorPort);
  const text = await readFile(resolve(import.meta.dirname, "../..", bootstrap), "utf8");
  const read: unknown = parse(text, { merge: true });
  const traced = collectorPort === undefined ? read : await withTracing(read);
  const config = withTexts(withPorts(withClusters(traced, clusters), exchange), texts);
  const folder = await mkdtemp(join(tmpdir(), "countersign-envoy-"));
  const file = join(folder, "envoy.yaml");
  await writeFile(file, stringify(config, { aliasDuplicateObjects: false }));

  const args = ["-c", file, "--disable-hot-restart", "--concurrency", "1", "-l", "warning"];
  const child = spawn(tool.location, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
  const stop = async () => {
    await ended(child);
    keepText(log, "envoy");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const version = await waitUntil("Envoy's /server_info to say LIVE", 60_000, async () => {
      if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}:\n${log}`);
      return liveVersion(adminPort);
    });
    if (!envoy.serves(version)) throw new Error(`Envoy ${version} does not serve (SECURITY.md, Which Envoy)`);
    return { port, version, log: () => log, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function liveVersion(adminPort: number): Promise<string | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/server_info`);
    const info: unknown = await response.json();
    if (typeof info !== "object" || info === null || !("state" in info) || info.state !== "LIVE") return undefined;
    const version = "version" in info && typeof info.version === "string" ? info.version.split("/")[1] : undefined;
    return version;
  } catch {
    return undefined;
  }
}

/** Wherever a list holds a cluster of one of these names, this one stands instead. */
function withClusters(value: unknown, clusters: readonly EnvoyCluster[]): unknown {
  if (Array.isArray(value)) return value.map((item) => withClusters(item, clusters));
  if (typeof value !== "object" || value === null) return value;
  const other = "load_assignment" in value && "name" in value && clusters.find(({ name }) => name === value.name);
  if (other) return other;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withClusters(inner, clusters)]));
}

function withTexts(value: unknown, texts: ReadonlyMap<string, string>): unknown {
  if (typeof value === "string") return texts.get(value) ?? value;
  if (Array.isArray(value)) return value.map((item) => withTexts(item, texts));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withTexts(inner, texts)]));
}

/** The bootstrap with ports exchanged; an endpoint whose port stands for several becomes several. */
function withPorts(value: unknown, exchange: EnvoyTargets["ports"]): unknown {
  if (Array.isArray(value)) return value.map((item) => withPorts(item, exchange));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === "port_value" && typeof inner === "number") return [key, [exchange.get(inner) ?? inner].flat()[0]];
      if (key !== "lb_endpoints" || !Array.isArray(inner)) return [key, withPorts(inner, exchange)];
      return [key, inner.flatMap((endpoint: unknown) => onePerPort(endpoint, exchange))];
    }),
  );
}

function onePerPort(endpoint: unknown, exchange: EnvoyTargets["ports"]): readonly unknown[] {
  const own = /"port_value":(\d+)/.exec(JSON.stringify(endpoint))?.[1];
  const ports = [exchange.get(Number(own)) ?? Number(own)].flat();
  return ports.map((port) => withPorts(endpoint, new Map([[Number(own), port]])));
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGKILL");
  });
}
