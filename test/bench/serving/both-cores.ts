/** Servers that may use both cores: the decision service with so many workers, each on a port of its own, and as many null servers beside it. */
import { freePort } from "../../harness/free-port.ts";
import { startFullService } from "../check/full-service.ts";
import { type Cores, NOT_BOUND } from "../cores.ts";
import { type Measured, measured } from "../load/measured.ts";
import { startFloor } from "../load/start-floor.ts";

type Running = AsyncDisposable & { readonly server: Measured };

export async function startWorkers(count: number, cores: Cores): Promise<Running> {
  const ports: number[] = [];
  const opsPorts: number[] = [];
  for (let worker = 0; worker < count; worker += 1) {
    ports.push(await freePort());
    opsPorts.push(await freePort());
  }
  const further = count === 1 ? {} : { workers: count, workerPorts: ports, workerOpsPorts: opsPorts };
  const service = await startFullService({ further, onBoth: cores.onBoth });
  const server =
    count === 1
      ? measured([service.port], [service.opsUrl])
      : measured(
          ports,
          opsPorts.map((port) => `http://127.0.0.1:${port}`),
        );
  return { server, [Symbol.asyncDispose]: () => service[Symbol.asyncDispose]() };
}

/** On node:http2, as the service serves. */
export async function startNulls(count: number, cores: Cores): Promise<Running> {
  await using owned = new AsyncDisposableStack();
  const servers: Measured[] = [];
  for (let one = 0; one < count; one += 1) {
    servers.push(owned.use(await cores.onBoth(() => startFloor(NOT_BOUND))).http2);
  }
  const work = async () => {
    const each = await Promise.all(servers.map((one) => one.work()));
    const sum = (pick: (one: (typeof each)[number]) => number) => each.reduce((total, one) => total + pick(one), 0);
    return { cpuS: sum(({ cpuS }) => cpuS), gcS: sum(({ gcS }) => gcS) };
  };
  const all = owned.move();
  return {
    server: { ports: servers.flatMap(({ ports }) => ports), work },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
