/**
 * Measures one adapter of the event stream in a process of its own, so that its processor time is its own: `measured-stream.ts CONFIG TOPIC`.
 * Writes one line of JSON. The topic is empty at first and has one partition; records are 900 bytes, about a signed denial.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createLog } from "../../platform/log/log.ts";
import { streamServer } from "../../platform/stream/open-stream.ts";
import type { EventStream, OutgoingRecord } from "../../platform/stream/port.ts";

export interface Measured {
  /** One record at a time, each awaited: milliseconds. */
  readonly publishP50Ms: number;
  readonly publishP99Ms: number;
  /** Forty callers, one record each: records per second. */
  readonly callersPerS: number;
  /** Five hundred records at once: records per second, and microseconds of processor time of this process for each. */
  readonly batchesPerS: number;
  readonly publishCpuUs: number;
  readonly readPerS: number;
  readonly readCpuUs: number;
  /** From the call of publish until a handler has the record: milliseconds. */
  readonly handledP50Ms: number;
  readonly handledP99Ms: number;
  /** A stream that reads one topic to which nothing comes: percent of one core. */
  readonly idleCpuPercent: number;
  readonly rssMb: number;
}

const VALUE = Buffer.alloc(900, "x");
const DEADLINE = { deadlineMs: 10_000 };
const IDLE_MS = 5_000;

async function measure(stream: EventStream, topic: string): Promise<Measured> {
  const one = (n: number): OutgoingRecord => ({ topic, key: `key-${n}`, value: VALUE });
  const publish = async (...records: OutgoingRecord[]) => {
    const outcome = await stream.publish(records, DEADLINE);
    if (outcome.kind !== "acked") throw new Error("not acknowledged", { cause: outcome.cause });
  };
  for (let n = 0; n < 200; n += 1) await publish(one(n)); // connections, and what the engine compiles

  const single: number[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    const begun = performance.now();
    await publish(one(n));
    single.push(performance.now() - begun);
  }
  const callers = await timed(4_000, () =>
    Promise.all(
      Array.from({ length: 40 }, async (_, caller) => {
        for (let n = 0; n < 100; n += 1) await publish(one(caller));
      }),
    ),
  );
  const batches = await timed(30_000, async () => {
    for (let n = 0; n < 60; n += 1) await publish(...Array.from({ length: 500 }, (_, key) => one(key)));
  });

  let handled = 0;
  let awaited: (() => void) | undefined;
  const end = (await stream.endOffsets(topic, DEADLINE)).get(0) ?? 0n;
  const reading = await timed(Number(end), async () => {
    stream.subscribe({
      topic,
      from: async () => 0n,
      async handle({ records }) {
        handled += records.length;
        awaited?.();
        return "continue";
      },
    });
    while (handled < Number(end)) await sleep(2);
  });
  const through: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const { promise, resolve } = Promise.withResolvers<void>();
    awaited = resolve;
    const begun = performance.now();
    await Promise.all([publish(one(n)), promise]);
    through.push(performance.now() - begun);
  }
  const before = process.cpuUsage();
  await sleep(IDLE_MS);
  const idle = process.cpuUsage(before);
  return {
    publishP50Ms: quantile(single, 0.5),
    publishP99Ms: quantile(single, 0.99),
    callersPerS: callers.perS,
    batchesPerS: batches.perS,
    publishCpuUs: batches.cpuUs,
    readPerS: reading.perS,
    readCpuUs: reading.cpuUs,
    handledP50Ms: quantile(through, 0.5),
    handledP99Ms: quantile(through, 0.99),
    idleCpuPercent: (idle.user + idle.system) / 10 / IDLE_MS,
    rssMb: process.memoryUsage.rss() / 2 ** 20,
  };
}

async function timed(records: number, work: () => Promise<unknown>): Promise<{ perS: number; cpuUs: number }> {
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await work();
  const ms = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  return { perS: (records * 1_000) / ms, cpuUs: (user + system) / records };
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;
}

if (process.argv[1] === import.meta.filename) {
  const [config = "", topic = ""] = process.argv.slice(2);
  const log = createLog({ name: "bench", level: "silent" });
  const server = await streamServer(JSON.parse(config), { clientName: "bench", log });
  const stream = server.open({
    onFatal(error) {
      throw error;
    },
  });
  process.stdout.write(`${JSON.stringify(await measure(stream, topic))}\n`);
  await stream.close();
}
