/**
 * The load generator, a process of its own: asks a gRPC server the same Check again and again over node:http2 with frames written by hand,
 * which costs less than any gRPC client. Closed loop for saturation; open loop with a fixed rate for latency, counted from the moment when
 * a call was due and not from when it could be sent, so that a stalled server is not spared.
 */
import { type ClientHttp2Session, connect } from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { Compile } from "typebox/compile";
import { AuthorizationService } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { frame } from "../../harness/grpc-frames.ts";
import { answerWith, given } from "../child.ts";
import { quantile } from "../figures.ts";
import { type Loaded, type LoadSpec, LoadSpecSchema } from "./load-spec.ts";

const HEADERS = {
  ":method": "POST",
  ":path": AuthorizationService.check.path,
  "content-type": "application/grpc",
  te: "trailers",
};
/** Behind the five bytes of the frame: a status of zero bytes, which is OK. */
const PREFIX = 5;
const STATUS_OK = [0x0a, 0x00] as const;
const TICK_MS = 1;

/** Whether the answer was an allow. */
function call(session: ClientHttp2Session, body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const stream = session.request(HEADERS);
    let first: Buffer | undefined;
    stream.on("data", (chunk: Buffer) => {
      first ??= chunk;
    });
    stream.on("error", () => resolve(false));
    stream.on("close", () => resolve(first?.[PREFIX] === STATUS_OK[0] && first[PREFIX + 1] === STATUS_OK[1]));
    stream.end(body);
  });
}

async function load(spec: LoadSpec): Promise<Loaded> {
  const body = frame(Buffer.from(spec.request, "base64"));
  const sessions = Array.from({ length: spec.connections }, () => connect(`http://127.0.0.1:${spec.port}`));
  let measuring = false;
  let faults = 0;
  let latencies: number[] = [];
  const one = async (session: ClientHttp2Session, due: number) => {
    const isAllowed = await call(session, body);
    if (!isAllowed) faults += 1;
    if (measuring) latencies.push(performance.now() - due);
  };
  const stop = new AbortController();
  const running =
    spec.ratePerS === null
      ? sessions.flatMap((session) =>
          Array.from({ length: spec.streams }, async () => {
            while (!stop.signal.aborted) await one(session, performance.now());
          }),
        )
      : [atRate(spec.ratePerS, sessions, one, stop.signal)];

  await sleep(spec.warmUpS * 1_000);
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  measuring = true;
  await sleep(spec.seconds * 1_000);
  measuring = false;
  const ms = performance.now() - begun;
  const cpu = process.cpuUsage(cpuBefore);
  const taken = latencies;
  latencies = [];
  stop.abort();
  await Promise.all(running);
  for (const session of sessions) session.destroy();
  return {
    perS: (taken.length * 1_000) / ms,
    p50Ms: quantile(taken, 0.5),
    p99Ms: quantile(taken, 0.99),
    p999Ms: quantile(taken, 0.999),
    faults,
    generatorCpu: (cpu.user + cpu.system) / 1_000 / ms,
  };
}

async function atRate(
  perS: number,
  sessions: readonly ClientHttp2Session[],
  one: (session: ClientHttp2Session, due: number) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const begun = performance.now();
  const open: Promise<void>[] = [];
  for (let sent = 0; !signal.aborted; ) {
    for (let due = begun + (sent * 1_000) / perS; due <= performance.now(); due = begun + (sent * 1_000) / perS) {
      const session = sessions[sent % sessions.length];
      if (session !== undefined) open.push(one(session, due));
      sent += 1;
    }
    await sleep(TICK_MS);
  }
  await Promise.all(open);
}

const asked = await given();
const spec = Compile(LoadSpecSchema).Parse(asked);
answerWith(await load(spec));
