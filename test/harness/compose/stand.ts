/**
 * docker-compose.yml without an engine: every program of ours as a process of this machine, by the command, the environment, the mounted files,
 * the health check and the order that the file gives it, from a folder that holds what its image holds. PostgreSQL, Kafka and Envoy are those
 * of the tests: Kafka with the broker settings of the file, Envoy with its bootstrap, and none by its command or health check. Only names
 * become addresses: `kafka:9092` is a free loopback port here, a volume a folder.
 * What this cannot show: that the images can be built, users and rights inside them, and an engine's network.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { startEnvoy } from "../envoy.ts";
import { freePort } from "../free-port.ts";
import { startKafka } from "../kafka.ts";
import { keepFile } from "../kept-logs.ts";
import { createTestDatabase } from "../postgres.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { type ComposeService, ROOT, readComposeFile } from "./compose-file.ts";
import { entryPoint, makeImageFolder } from "./image.ts";

const PORTS = [8080, 8081, 8083, 9092, 9093, 9191, 9192, 9200, 9201, 9202];
const HEALTHY_MS = 60_000;

export interface ComposeStand extends AsyncDisposable {
  /** A port of the machine that leads to this one of a container. @throws when the file publishes none, or beyond loopback. */
  published(containerPort: number): string;
  /** What a program that has ended said. */
  said(service: string): Promise<string>;
}

export async function startComposeStand(): Promise<ComposeStand> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "compose-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const services = await readComposeFile();
  const ports = new Map<number, number>();
  for (const port of PORTS) ports.set(port, await freePort());
  const here = addresses([...services.keys()], ports);
  for (const target of ["services", "sample"]) await makeImageFolder(target, join(folder, target));

  const started = new Map<string, Promise<Running>>();
  const start = (name: string): Promise<Running> => {
    const running = started.get(name) ?? startAfterOthers(name);
    started.set(name, running);
    return running;
  };

  async function startAfterOthers(name: string): Promise<Running> {
    const service = services.get(name);
    if (service === undefined) throw new Error(`no service ${name}`);
    await Promise.all(
      Object.entries(service.depends_on ?? {}).map(async ([other, { condition }]) => {
        const running = await start(other);
        await (condition === "service_healthy" ? running.healthy() : running.completed());
      }),
    );
    return startOne(name, service);
  }

  async function startOne(name: string, service: ComposeService): Promise<Running> {
    const mounts = await mountsOf(name, service);
    const local = (text: string) => mounts.reduce((all, [inside, path]) => all.replaceAll(inside, path), here(text));
    const environment = Object.entries(service.environment ?? {}).map(([key, value]) => [key, local(String(value))]);
    if (name === "kafka") {
      owned.use(await startKafka({ port: ports.get(9092) ?? 0, properties: kafkaProperties(environment) }));
      return ELSEWHERE;
    }
    if (name === "postgres") {
      const database = owned.use(await createTestDatabase());
      await writeFile(join(folder, "volumes/approval-secrets/database-url"), database.connectionString);
      return ELSEWHERE;
    }
    if (name === "envoy") {
      const [, bootstrap = ""] = mounts.find(([inside]) => service.command?.includes(inside)) ?? [];
      const ingress = new Map([[ports.get(8080) ?? 0, ports.get(8080) ?? 0]]);
      owned.use(await startEnvoy({ bootstrap, ports: ingress }));
      return ELSEWHERE;
    }
    const { build, command = [] } = service;
    if (build === undefined) throw new Error(`${name} is no program of ours`);
    const [program = "", ...args] = [...(service.entrypoint ?? (await entryPoint(build.target))), ...command];
    const cwd = join(folder, build.target);
    const variables = Object.fromEntries([...environment, ...portVariables(name, ports)]);
    const env = { NODE_ENV: "production", PATH: process.env["PATH"], ...variables };
    keepFile(join(folder, `${name}.log`), name);
    const log = await open(join(folder, `${name}.log`), "a");
    const child = spawn(program, args.map(local), { cwd, env, stdio: ["ignore", log.fd, log.fd] });
    await log.close();
    owned.defer(() => ended(child));
    const explain = async (problem: string) => new Error(`${name} ${problem}:\n${await logOf(name)}`);
    const health = service.healthcheck?.test.slice(2).map(local) ?? [];
    return {
      async completed() {
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
        if (child.exitCode !== 0) throw await explain(`ended with ${child.exitCode}`);
      },
      async healthy() {
        await waitUntil(`${name} to be healthy`, HEALTHY_MS, async () => {
          if (child.exitCode !== null) throw await explain(`ended with ${child.exitCode}`);
          const [code] = await once(spawn(process.execPath, health, { stdio: "ignore" }), "exit");
          return code === 0;
        });
      },
    };
  }

  /** Where each mounted path of the container is here; files are copied with addresses and paths exchanged. */
  async function mountsOf(name: string, { volumes = [] }: ComposeService): Promise<(readonly [string, string])[]> {
    const named: (readonly [string, string])[] = [];
    const files: (readonly [string, string, string])[] = [];
    for (const [source = "", inside = ""] of volumes.map((volume) => volume.split(":"))) {
      if (source.startsWith("./")) files.push([source, inside, join(folder, name, inside)]);
      else named.push([inside, join(folder, "volumes", source)]);
    }
    // A longer path first: /run/countersign/x before /run/countersign.
    const sorted = named.toSorted(([one], [other]) => other.length - one.length);
    for (const [, path] of sorted) await mkdir(path, { recursive: true });
    for (const [source, , path] of files) {
      const text = here(await readFile(join(ROOT, source), "utf8"));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(
        path,
        sorted.reduce((all, [inside, to]) => all.replaceAll(inside, to), text),
      );
    }
    if (name !== "secrets") return [...files.map(([, inside, path]) => [inside, path] as const), ...sorted];
    // Its program is given the folder above its volumes.
    const above = join(folder, "secrets-above");
    await mkdir(above, { recursive: true });
    for (const [inside, path] of sorted) await symlink(path, join(above, basename(inside)));
    return [...sorted, [dirname(sorted[0]?.[0] ?? ""), above]];
  }

  const logOf = (name: string) => readFile(join(folder, `${name}.log`), "utf8").catch(() => "");
  await Promise.all([...services.keys()].map(start));
  for (const [name, { healthcheck }] of services) {
    if (healthcheck !== undefined) await (await start(name)).healthy();
  }
  const all = owned.move();
  return {
    published(containerPort) {
      const lines = [...services.values()].flatMap(({ ports: given = [] }) => given);
      if (!lines.includes(`127.0.0.1:${containerPort}:${containerPort}`))
        throw new Error(`${containerPort} is not published`);
      return `http://127.0.0.1:${ports.get(containerPort)}`;
    },
    said: logOf,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

type Running = { completed(): Promise<void>; healthy(): Promise<void> };

/** Ready when it has been started. */
const ELSEWHERE: Running = { completed: async () => {}, healthy: async () => {} };

function addresses(names: readonly string[], ports: ReadonlyMap<number, number>): (text: string) => string {
  const pattern = new RegExp(`\\b(?:${names.join("|")}|127\\.0\\.0\\.1):(\\d{4})\\b|(?<=://):(\\d{4})\\b`, "g");
  return (text) =>
    text
      .replace(pattern, (_, one?: string, other?: string) => `127.0.0.1:${ports.get(Number(one ?? other))}`)
      .replace(/address: [\w.]+, port_value: (\d+)/g, (_, port: string) => {
        return `address: 127.0.0.1, port_value: ${ports.get(Number(port)) ?? port}`;
      })
      .replaceAll("0.0.0.0", "127.0.0.1");
}

/** As the image reads its environment: KAFKA_LOG_DIRS is log.dirs. */
function kafkaProperties(environment: readonly (readonly string[])[]): Record<string, string> {
  const settings = environment.filter(([key]) => key?.startsWith("KAFKA_"));
  return Object.fromEntries(
    settings.map(([key = "", value = ""]) => [key.slice("KAFKA_".length).toLowerCase().replaceAll("_", "."), value]),
  );
}

/** The programs' ports inside a container are their usual ones; here each has to be another. */
function portVariables(name: string, ports: ReadonlyMap<number, number>): readonly (readonly [string, string])[] {
  const variables: ReadonlyMap<string, readonly (readonly [string, number])[]> = new Map([
    [
      "approval",
      [
        ["COUNTERSIGN_REST_PORT", 9200],
        ["COUNTERSIGN_REDEMPTION_PORT", 9201],
        ["COUNTERSIGN_OPS_PORT", 9202],
      ],
    ],
    [
      "decision",
      [
        ["COUNTERSIGN_LISTEN_PORT", 9191],
        ["COUNTERSIGN_OPS_PORT", 9192],
      ],
    ],
    ["orders", [["ORDERS_LISTEN_PORT", 8081]]],
    ["issuer", [["ISSUER_PORT", 8083]]],
  ]);
  return (variables.get(name) ?? []).map(([variable, port]) => [variable, String(ports.get(port))]);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
