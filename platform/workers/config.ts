/**
 * The keys `workers`, `workerPorts` and `workerOpsPorts` of a configuration: several processes of one program, each on ports of its own. A worker
 * is an ordinary process of that program. What distinguishes it comes as variables, which override the file, so it reads the same configuration
 * again at a reload and stays what it is. Folders that only one process may use are its own.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Type } from "typebox";
import { variableOf } from "../config/keys.ts";
import type { ConfigFault } from "../config/fault.ts";

const Ports = (description: string) =>
  Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), { default: [], maxItems: 64, description });

/** Members of a configuration schema. */
export const workerKeys = {
  workers: Type.Integer({
    minimum: 1,
    maximum: 64,
    default: 1,
    description:
      "Number of worker processes. With more than one, each has its own port, and a parent process starts and watches them.",
  }),
  workerPorts: Ports("Port of each worker; by default listen.port and those after it."),
  workerOpsPorts: Ports("Operators' port of each worker; by default those after ops.port, which is about all of them."),
};

/** What the keys above say together with the ports of the program. */
export type WorkersConfig = {
  readonly instance: string;
  readonly workers: number;
  readonly workerPorts: readonly number[];
  readonly workerOpsPorts: readonly number[];
  readonly listen: { readonly port: number };
  readonly ops: { readonly port: number };
  /** Each worker's own is as many ports behind it as the worker is behind the first. */
  readonly api?: { readonly httpPort: number; readonly grpcPort?: number };
};

export type WorkerPlan = {
  /** From 1. */
  readonly number: number;
  readonly port: number;
  readonly opsPort: number;
  readonly apiPort: number | undefined;
  readonly grpcPort: number | undefined;
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** The longest of a name that may still have a number. */
const LONGEST_INSTANCE = 60;

export function workerFaults(config: WorkersConfig): readonly ConfigFault[] {
  const { workers, workerPorts, workerOpsPorts, listen, ops, instance } = config;
  if (workers === 1) return [];
  const faults: ConfigFault[] = [];
  const fault = (key: string, problem: string) => faults.push({ key, variable: undefined, problem });
  if (instance.length > LONGEST_INSTANCE)
    fault("instance", `is longer than ${LONGEST_INSTANCE} characters, so no worker's number fits; shorten it`);
  for (const [key, ports] of Object.entries({ workerPorts, workerOpsPorts })) {
    if (ports.length > 0 && ports.length !== workers)
      fault(key, `has ${ports.length} ports for ${workers} workers; list one for each, or none`);
  }
  if (listen.port === 0 && workerPorts.length === 0)
    fault("listen.port", "is 0, so nobody could name the workers; set it, or list workerPorts");
  if (ops.port === 0 && workerOpsPorts.length === 0)
    fault("ops.port", "is 0, so nobody could name the workers' ports; set it, or list workerOpsPorts");
  for (const key of ["httpPort", "grpcPort"] as const) {
    if (config.api?.[key] === 0) fault(`api.${key}`, "is 0, so nobody could name the workers' ports; set it");
  }
  if (faults.length > 0) return faults;
  const all = [ops.port, ...portsOf(config).flatMap(allOf)];
  const twice = all.find((port, at) => port !== 0 && all.indexOf(port) !== at);
  const beyond = all.find((port) => port > 65_535);
  if (twice !== undefined)
    fault(
      "workers",
      `would use port ${twice} twice; move listen.port, ops.port or those of api apart, or list the ports`,
    );
  if (beyond !== undefined) fault("workers", `would need port ${beyond}; lower listen.port, ops.port or those of api`);
  return faults;
}

function allOf({ port, opsPort, apiPort = 0, grpcPort = 0 }: Omit<WorkerPlan, "env">): readonly number[] {
  return [port, opsPort, apiPort, grpcPort];
}

function portsOf({ workers, workerPorts, workerOpsPorts, listen, ops, api }: WorkersConfig) {
  return Array.from({ length: workers }, (_, at) => ({
    number: at + 1,
    port: workerPorts[at] ?? listen.port + at,
    opsPort: workerOpsPorts[at] ?? ops.port + 1 + at,
    apiPort: api === undefined ? undefined : api.httpPort + at,
    grpcPort: api?.grpcPort === undefined ? undefined : api.grpcPort + at,
  }));
}

/** `folders`: the dotted keys of folders that one process has to itself, with what they are; undefined where there is none. */
export function planWorkers(
  config: WorkersConfig,
  { prefix, folders }: { readonly prefix: string; readonly folders: ReadonlyMap<string, string | undefined> },
): readonly WorkerPlan[] {
  return portsOf(config).map((ports) => {
    const { number, port, opsPort, apiPort, grpcPort } = ports;
    const own = new Map<string, string>([
      ["workers", "1"],
      ["instance", `${config.instance}-${number}`],
      ["listen.port", String(port)],
      ["ops.port", String(opsPort)],
    ]);
    if (apiPort !== undefined) own.set("api.httpPort", String(apiPort));
    if (grpcPort !== undefined) own.set("api.grpcPort", String(grpcPort));
    for (const [key, folder] of folders) {
      if (folder !== undefined) own.set(key, workerFolder(folder, number));
    }
    const env: Record<string, string | undefined> = { ...process.env };
    delete env["START_AFTER_FD"]; // of this process: in a worker that descriptor is the channel to us
    for (const [key, value] of own) {
      const variable = variableOf(prefix, key.split("."));
      env[variable] = value;
      delete env[`${variable}_FILE`];
    }
    return { ...ports, env };
  });
}

/** The first one keeps the folder itself, so that what a single process left there is found. */
function workerFolder(folder: string, number: number): string {
  return number === 1 ? folder : join(folder, `worker-${number}`);
}

/** Folders that workers beyond so many have left there, by number. What is no folder has none. */
export function formerWorkerFolders(folder: string, workers: number): readonly string[] {
  const numbers = (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder) : [])
    .map((name) => Number(/^worker-([1-9]\d{0,2})$/.exec(name)?.[1] ?? 0))
    .filter((number) => number > workers)
    .sort((a, b) => a - b);
  return numbers.map((number) => workerFolder(folder, number));
}
