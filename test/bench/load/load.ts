/**
 * The load generator, a process of its own: asks the same again and again. Closed loop for saturation; open loop with a fixed rate for
 * latency, counted from the moment when a call was due and not from when it could be sent, so that a stalled server is not spared.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Compile } from "typebox/compile";
import { answerWith, given, untilTold } from "../child.ts";
import { quantile } from "../figures.ts";
import { openCaller } from "./callers.ts";
import { type Loaded, type LoadSpec, LoadSpecSchema } from "./load-spec.ts";

const TICK_MS = 1;

/** One call on one of the connections; `due` is when it should have begun. */
type CallAt = (connection: number, due: number) => Promise<void>;

async function load(spec: LoadSpec): Promise<Loaded> {
  const callers = Array.from({ length: spec.connections }, (_, at) =>
    openCaller(spec.ports[at % spec.ports.length] ?? 0, spec.call),
  );
  const requests = spec.requests.map((one) => callers[0]?.prepare(Buffer.from(one, "base64")) ?? Buffer.alloc(0));
  await untilTold();
  let measuring = false;
  let begun = 0;
  let faults = 0;
  const latencies: number[] = [];
  const lateness: number[] = [];
  const kept: { readonly due: number; readonly ms: number }[] = [];
  const one: CallAt = async (connection, due) => {
    const request = requests[begun % requests.length];
    begun += 1;
    const sent = performance.now();
    const isRight = request !== undefined && (await callers[connection]?.call(request));
    if (isRight !== true) faults += 1;
    if (spec.keepsCalls === true) kept.push({ due, ms: performance.now() - due });
    if (!measuring) return;
    latencies.push(performance.now() - due);
    lateness.push(sent - due);
  };
  const stop = new AbortController();
  const running =
    spec.ratePerS === null ? inTurn(spec, one, stop.signal) : atRate(spec.ratePerS, spec, one, stop.signal);

  await sleep(spec.warmUpS * 1_000);
  const cpuBefore = process.cpuUsage();
  const begunAtMs = Date.now();
  const from = performance.now();
  measuring = true;
  await sleep(spec.seconds * 1_000);
  measuring = false;
  const ms = performance.now() - from;
  const cpu = process.cpuUsage(cpuBefore);
  stop.abort();
  await running;
  for (const caller of callers) caller.close();
  return {
    perS: (latencies.length * 1_000) / ms,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    p999Ms: quantile(latencies, 0.999),
    lateP50Ms: quantile(lateness, 0.5),
    lateP99Ms: quantile(lateness, 0.99),
    begunAtMs,
    calls: kept.map(({ due, ms: tookMs }) => ({ atMs: begunAtMs + due - from, ms: tookMs })),
    ended: begun,
    faults,
    generatorCpu: (cpu.user + cpu.system) / 1_000 / ms,
  };
}

/** Each stream calls again as soon as it is answered. */
async function inTurn({ connections, streams }: LoadSpec, one: CallAt, signal: AbortSignal): Promise<void> {
  await Promise.all(
    Array.from({ length: connections * streams }, async (_, stream) => {
      while (!signal.aborted) await one(stream % connections, performance.now());
    }),
  );
}

async function atRate(perS: number, { connections }: LoadSpec, one: CallAt, signal: AbortSignal): Promise<void> {
  const from = performance.now();
  let underWay = 0;
  for (let sent = 0; !signal.aborted; ) {
    for (let due = from + (sent * 1_000) / perS; due <= performance.now(); due = from + (sent * 1_000) / perS) {
      underWay += 1;
      void one(sent % connections, due).finally(() => (underWay -= 1));
      sent += 1;
    }
    await sleep(TICK_MS);
  }
  while (underWay > 0) await sleep(TICK_MS);
}

const asked = await given();
const spec = Compile(LoadSpecSchema).Parse(asked);
answerWith(await load(spec));
