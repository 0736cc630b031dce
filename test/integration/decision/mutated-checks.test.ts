/**
 * Ten thousand CheckRequests, each an honest one changed in one field, against the decision service as a process. The honest ones are denied
 * by the policy, need an approval, or show a credential that is not believed: so whatever a change does, none of them may be allowed, and
 * each has to be answered by an explicit denial. Then clients that are many, slow or late. Prints its seed; TEST_SEED repeats it.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { AuthorizationService, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { metricTotal } from "../../fault/metric.ts";
import { seeded } from "../../fault/seeded.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { fieldPaths, nameOf, strangeRecord, withRecord } from "../../harness/wire-mutation.ts";
import { deniedAs } from "./check-messages.ts";
import { closedChecks } from "./closed-checks.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const CHECKS = 10_000;
const AT_ONCE = 32;
const CONNECTIONS = 1_000;
/** By then the service has grown to its size: its heap takes what it may before it collects. */
const WARM_UP = 5_000;
/** What the service may hold more after the second half than after the first: collected later, or it grows. */
const MAX_GROWTH_BYTES = 64 * 1024 * 1024;
/** What it may have opened for itself meanwhile: a file of its log, a connection that asks for its metrics. */
const OWN_FILES = 5;
const PATH = AuthorizationService.check.path;
const DESCRIPTOR = new URL("../../../proto/descriptor/check.binpb", import.meta.url);

let folder: string;
let service: Decision;
let client: Client;
let desc: DescMessage;

beforeAll(async () => {
  const found = createFileRegistry(fromBinary(FileDescriptorSetSchema, await readFile(DESCRIPTOR))).getMessage(
    "envoy.service.auth.v3.CheckRequest",
  );
  if (found === undefined) throw new Error("no descriptor of CheckRequest");
  desc = found;
  folder = await mkdtemp(join(tmpdir(), "mutated-"));
  service = await startLoneDecision({ folder, name: "decision" });
  client = new Client(`127.0.0.1:${service.port}`, credentials.createInsecure());
}, 60_000);
afterAll(async () => {
  client?.close();
  await service?.kill();
  await rm(folder, { recursive: true, force: true });
});
afterEach(async () => {
  expect(service.isRunning()).toBe(true);
  expect(await ask(sampleCheck("GET", token()))).toBe("allow");
});

/** `allow`, `deny`, or the name of a gRPC status. */
async function ask(bytes: Uint8Array): Promise<string> {
  const answer = await answerTo(bytes);
  return typeof answer === "string" ? answer : outcomeOf(answer);
}

/** What came back, or the name of a gRPC status. */
function answerTo(bytes: Uint8Array): Promise<CheckResponse | string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      PATH,
      (value: Uint8Array) => Buffer.from(value),
      (value) => CheckResponse.decode(value),
      bytes,
      new Metadata(),
      { deadline: Date.now() + 10_000 },
      (error: ServiceError | null, answer) => resolve((error === null ? answer : status[error.code]) ?? "?"),
    );
  });
}

function outcomeOf(answer: CheckResponse | undefined): string {
  if (answer?.status?.code === status.OK || answer?.httpResponse?.$case === "okResponse") return "allow";
  return answer?.httpResponse?.$case === "deniedResponse" ? "deny" : "neither";
}

const heldBytes = () => metricTotal(service.opsUrl, "process_resident_memory_bytes");
const count = (name: string, labels = {}) => metricTotal(service.opsUrl, `countersign_decision_${name}`, labels);

test("the honest checks are closed each in its own way: an approval is needed, a rule denies, a credential is not believed, no rule allows", async () => {
  const reasons = await Promise.all(
    closedChecks().map(async (bytes) => {
      const answer = await answerTo(bytes);
      return typeof answer === "string" ? answer : deniedAs(answer).reasons;
    }),
  );
  expect(reasons).toEqual([
    ["grants_stale"],
    ["policy_denied", "orders_are_never_replaced"],
    ["credential_key_unknown"],
    ["no_rule_matched"],
  ]);
});

test(`of ${CHECKS} changed checks, in every field of the descriptor, none is allowed, none unanswered, and memory stays flat`, async () => {
  const { seed, below } = seeded();
  process.stdout.write(`TEST_SEED=${seed}\n`);
  const random = () => below(2 ** 32) / 2 ** 32;
  const bases = closedChecks();
  for (let asked = 0; asked < WARM_UP; asked += AT_ONCE) {
    const answers = Array.from({ length: AT_ONCE }, (_, at) => ask(bases[at % bases.length] ?? Buffer.alloc(0)));
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["deny"]));
  }
  const paths = fieldPaths(desc);
  const changedFields = new Set<string>();
  const outcomes = new Map<string, number>();
  const wrong: string[] = [];
  const run = async (from: number, to: number) => {
    let next = from;
    const worker = async () => {
      while (next < to) {
        const at = next++;
        const path = paths[at % paths.length];
        const base = bases[Math.floor(random() * bases.length)];
        const last = path?.at(-1);
        if (path === undefined || base === undefined || last === undefined) throw new Error("nothing to change");
        const bytes = withRecord(base, path, strangeRecord(last.number, random));
        changedFields.add(nameOf(last));
        const outcome = await ask(bytes);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome !== "deny")
          wrong.push(`${outcome}: ${path.map(nameOf).join(" > ")} ${Buffer.from(bytes).toString("base64")}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  };
  await run(0, CHECKS / 2);
  const before = await heldBytes();
  await run(CHECKS / 2, CHECKS);
  expect(wrong.slice(0, 3)).toEqual([]);
  expect([...outcomes]).toEqual([["deny", CHECKS]]);
  expect((await heldBytes()) - before).toBeLessThan(MAX_GROWTH_BYTES);
  expect(changedFields).toEqual(everyField(desc));
}, 180_000);

/** Found otherwise than the paths: all fields of all messages that any field refers to. */
function everyField(root: DescMessage): ReadonlySet<string> {
  const messages = new Set([root]);
  for (const message of messages)
    for (const { message: inner } of message.fields) if (inner !== undefined) messages.add(inner);
  for (const message of messages)
    for (const field of message.fields)
      if (field.fieldKind === "map" && field.message !== undefined) messages.add(field.message);
  return new Set([...messages].flatMap(({ fields }) => fields.map(nameOf)));
}

test("a deadline that is over when the call arrives is an explicit denial or DEADLINE_EXCEEDED, and no policy is asked", async () => {
  const counts = async () => ({
    allows: await count("decisions_total", { outcome: "allow" }),
    evaluations: await count("policy_evaluation_seconds_count"),
  });
  const before = await counts();
  const late = { path: PATH, headers: { "grpc-timeout": "1n" }, body: frame(sampleCheck("GET", token())) };
  const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => sendFrames(service.port, late)));
  for (const { message, grpcStatus } of answers) {
    if (message === undefined) expect(grpcStatus).toBe(String(status.DEADLINE_EXCEEDED));
    else expect(outcomeOf(CheckResponse.decode(message))).toBe("deny");
  }
  expect(await count("decisions_total", { outcome: "deny", reason: "deadline_exceeded" })).toBeGreaterThan(0);
  expect(await counts()).toEqual(before);
});

test(`${CONNECTIONS} connections at once are all answered, and gone when their clients are; again and again, and memory stays`, async () => {
  const openFiles = () => metricTotal(service.opsUrl, "process_open_fds");
  const before = await openFiles();
  const round = async () => {
    const sessions = await Promise.all(Array.from({ length: CONNECTIONS }, open));
    const body = frame(sampleCheck("DELETE", token()));
    const answers = await Promise.all(sessions.map((session) => denied(session, body)));
    expect(new Set(answers)).toEqual(new Set([true]));
    expect(await openFiles()).toBeGreaterThanOrEqual(before + CONNECTIONS);
    for (const session of sessions) session.destroy();
    await waitUntil("the service to let go of them", 10_000, async () => (await openFiles()) <= before + OWN_FILES);
    return heldBytes();
  };
  await round();
  const first = await round();
  expect((await round()) - first).toBeLessThan(MAX_GROWTH_BYTES);
}, 120_000);

test("clients that send half a call and then nothing hold up nobody", async () => {
  const aloneMs = await fiftyMs();
  const sessions = await Promise.all(Array.from({ length: 200 }, open));
  const half = frame(sampleCheck("GET", token())).subarray(0, 700);
  for (const session of sessions)
    session
      .request(HEADERS)
      .on("error", () => {})
      .write(half);
  expect(await fiftyMs()).toBeLessThan(Math.max(5_000, 5 * aloneMs));
  for (const session of sessions) session.destroy();
}, 60_000);

/** What fifty honest calls take, one after the other: more on a busy machine, with nobody to hold them up. */
async function fiftyMs(): Promise<number> {
  const begun = performance.now();
  for (let call = 0; call < 50; call += 1) expect(await ask(sampleCheck("GET", token()))).toBe("allow");
  return performance.now() - begun;
}

const HEADERS = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };

function open(): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${service.port}`);
    session.once("connect", () => resolve(session));
    session.once("error", reject);
  });
}

function denied(session: ClientHttp2Session, body: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const stream = session.request(HEADERS);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => resolve(false));
    stream.on("close", () =>
      resolve(chunks.length > 0 && outcomeOf(CheckResponse.decode(Buffer.concat(chunks).subarray(5))) === "deny"),
    );
    stream.end(body);
  });
}
