/** A decision service of so many workers, each on a port of its own, that may use both cores. */
import { freePort } from "../../harness/free-port.ts";
import { startFullService } from "../check/full-service.ts";
import type { Cores } from "../cores.ts";
import { type Measured, measured } from "../load/measured.ts";

type RunningWorkers = AsyncDisposable & { readonly server: Measured };

export async function startWorkers(count: number, cores: Cores): Promise<RunningWorkers> {
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
