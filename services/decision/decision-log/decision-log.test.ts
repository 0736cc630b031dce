import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import {
  batchFault,
  type DecisionLogRecord,
  decisionRecordHash,
  readDecisionBatch,
} from "../../../core/messages/decision-record.ts";
import { openEnvelope } from "../../../core/messages/envelope.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { MAX_RECORD_BYTES } from "../../../core/messages/topics.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { OutgoingRecord, PublishOutcome } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { LogEntry } from "../ports.ts";
import { startDecisionLog } from "./decision-log.ts";
import { openSpool } from "./spool.ts";
import { segmentPath } from "./spool-files.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";

const NOW = instant(1_795_478_400_000);
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const signer = createSigner("pdp-a", pem);
const verifier = createVerifier(new Map([["pdp-a", publicKey.export({ type: "spki", format: "pem" }).toString()]]));
const log = createLog({ name: "test", level: "silent" });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A stream that keeps what it acknowledged, as a reader would see it. */
function memoryStream(answer: () => PublishOutcome = () => ({ kind: "acked" })) {
  const records: DecisionLogRecord[] = [];
  return {
    records,
    publish(outgoing: readonly OutgoingRecord[]): Promise<PublishOutcome> {
      const outcome = answer();
      if (outcome.kind === "acked") for (const record of outgoing) records.push(...read(record));
      return Promise.resolve(outcome);
    },
  };
}

function read({ topic, key, value, headers }: OutgoingRecord): readonly DecisionLogRecord[] {
  expect(value?.length).toBeLessThanOrEqual(MAX_RECORD_BYTES);
  const asRead = new Map([...(headers ?? [])].map(([name, text]) => [name, Buffer.from(text)]));
  const opened = openEnvelope(verifier, { deployment: "test", topic, key }, { value, headers: asRead });
  if (opened.kind !== "opened") throw new Error(`batch: ${opened.reason}`);
  const batch = readDecisionBatch(opened.payload);
  if (batch.kind !== "parsed") throw new Error(`batch: ${batch.detail}`);
  expect(batchFault(batch.value, opened.kid)).toBeUndefined();
  return batch.value.records;
}

function entry(path = "/orders/42"): LogEntry {
  return {
    decision: deny("no_rule_matched"),
    subject: undefined,
    policyRevision: "r1",
    evaluation: evaluationOf({
      decisionId: id("decision", uuidv7()),
      http: { method: "GET", path, query: "?token=secret" },
      credentials: { authorization: ["Bearer secret"], principal: undefined },
    }),
    sourceAddress: undefined,
    mode: "enforce",
    time: NOW,
    durationUs: 12,
  };
}

function started(
  stream: ReturnType<typeof memoryStream>,
  options: { boot?: string; required?: boolean; maxSpoolBytes?: number } = {},
) {
  return startDecisionLog(
    { stream, signer, log, metrics: createMetrics({ prefix: "t_" }), now: () => NOW },
    {
      folder,
      deployment: "test",
      boot: options.boot ?? uuidv7(),
      required: options.required ?? false,
      policyRevision: "r1",
      segmentBytes: 4_096,
      drainMs: 2_000,
      ...(options.maxSpoolBytes === undefined ? {} : { maxSpoolBytes: options.maxSpoolBytes }),
    },
  );
}

function expectWhole(records: readonly DecisionLogRecord[]) {
  records.forEach((record, at) => {
    const before = records[at - 1];
    expect(record.index).toBe(at);
    if (before !== undefined) expect(record.prev).toBe(decisionRecordHash(before));
  });
}

describe("decision log", () => {
  test("a full spool records nothing more, uses no index, and under audit: required says failed", async () => {
    const stream = memoryStream(() => ({ kind: "unknown", cause: new Error("down") }));
    const running = started(stream, { required: true, maxSpoolBytes: 2_000 });
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => running.append(entry())));
    expect(outcomes[0]).toBe("recorded");
    expect(outcomes.at(-1)).toBe("failed");
    expect(running.health().status).toBe("failed");
    await running[Symbol.asyncDispose]();
  });

  test("decisions of one turn are on the file before any of them is answered, and chained in the order they were made", async () => {
    const stream = memoryStream();
    const running = started(stream);
    const linesNow = () =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".log"))
        .flatMap((name) => readFileSync(join(folder, name), "utf8").trim().split("\n")).length;
    const seen = await Promise.all(
      Array.from({ length: 5 }, async (_, at) => ({
        outcome: await running.append(entry(`/${at}`)),
        lines: linesNow(),
      })),
    );
    expect(seen).toEqual(Array.from({ length: 5 }, () => ({ outcome: "recorded", lines: 6 })));
    await running[Symbol.asyncDispose]();
    expectWhole(stream.records);
    const paths = stream.records.flatMap((record) => (record.kind === "decision" ? [record.path] : []));
    expect(paths).toEqual(["/0", "/1", "/2", "/3", "/4"]);
  });

  test("no secret of a call enters the spool", async () => {
    await using running = started(memoryStream(() => ({ kind: "unknown", cause: new Error("down") })));
    await running.append(entry());
    const text = readdirSync(folder)
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("");
    expect(text).toContain("token=***");
    expect(text).not.toContain("secret");
  });

  test("everything is shipped in order, chained, over several segments, and the spool is empty after the end", async () => {
    const stream = memoryStream();
    const running = started(stream);
    for (let count = 0; count < 300; count++) await running.append(entry(`/${"x".repeat(count)}`));
    await running[Symbol.asyncDispose]();
    expect(stream.records).toHaveLength(302);
    expect(stream.records[0]?.kind).toBe("log_opened");
    expect(stream.records.at(-1)).toMatchObject({ kind: "log_closed", tail: "complete" });
    expectWhole(stream.records);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("what the stream did not acknowledge is sent again, and nothing is missing", async () => {
    let calls = 0;
    const stream = memoryStream(() =>
      ++calls % 2 === 1 ? { kind: "unknown", cause: new Error("lost") } : { kind: "acked" },
    );
    const running = started(stream, { required: true });
    expect(await running.append(entry())).toBe("recorded");
    await waitUntil("the decision to arrive", 5_000, () => stream.records.length >= 2);
    await running[Symbol.asyncDispose]();
    expectWhole(stream.records);
  });

  test("a spool that could not be read for a while is shipped from when it can, and meanwhile health says so", async () => {
    const stream = memoryStream();
    const boot = uuidv7();
    await using running = started(stream, { boot });
    const inTheWay = segmentPath(folder, boot, 999_999);
    mkdirSync(inTheWay);
    await running.append(entry());
    await waitUntil("the spool to be found unreadable", 5_000, () => running.health().status === "degraded");
    await running.append(entry());
    expect(running.health()).toEqual({ status: "degraded", detail: "the spool cannot be read" });
    rmdirSync(inTheWay);
    await waitUntil("the second decision to arrive", 5_000, () => stream.records.length === 3);
    expectWhole(stream.records);
  });

  test("a decision that comes after the log was closed is not recorded, and is told so", async () => {
    let acknowledges = false;
    const stream = memoryStream(() =>
      acknowledges ? { kind: "acked" } : { kind: "unknown", cause: new Error("down") },
    );
    const running = started(stream, { required: true });
    const ending = running[Symbol.asyncDispose]();
    const spooled = () =>
      readdirSync(folder)
        .map((name) => readFileSync(join(folder, name), "utf8"))
        .join("");
    await waitUntil("the log to be closed", 5_000, () => spooled().includes('"log_closed"'));
    expect(await running.append(entry())).toBe("failed");
    acknowledges = true;
    await ending;
    expect(stream.records.map(({ kind }) => kind)).toEqual(["log_opened", "log_closed"]);
  });

  test("half a record at the end is cut off, and the old log is closed under its own id", async () => {
    const boot = uuidv7();
    const spool = openSpool({ folder, log: `pdp/pdp-a/${boot}`, boot, segmentBytes: 4_096, maxBytes: 1e6 });
    spool.append({ kind: "log_opened", time: new Date(NOW).toISOString(), policy_revision: null });
    spool.write();
    spool.close();
    appendFileSync(join(folder, readdirSync(folder)[0] ?? ""), '{"v":1,"log":"pdp/');
    const stream = memoryStream();
    const running = started(stream);
    const old = await waitUntil("the old log to be closed", 5_000, () => {
      const records = stream.records.filter((record) => record.log.endsWith(boot));
      return records.length === 2 ? records : undefined;
    });
    expectWhole(old);
    expect(old[1]).toMatchObject({ kind: "log_closed", tail: "recovered" });
    await running[Symbol.asyncDispose]();
  });

  test("after kill -9 every answered decision is in the log that the next start closes", async () => {
    const boot = uuidv7();
    const script = `
      import { openSpool } from ${JSON.stringify(join(import.meta.dirname, "spool.ts"))};
      const spool = openSpool({ folder: ${JSON.stringify(folder)}, log: "pdp/pdp-a/${boot}", boot: "${boot}", segmentBytes: 4096, maxBytes: 1e9 });
      const time = new Date(0).toISOString();
      spool.append({ kind: "log_opened", time, policy_revision: null });
      const body = { kind: "decision", time, outcome: "deny", reason: null, reasons: [], subject: null, method: "", authority: "", path: "",
        masked_query: "", source_address: null, policy_revision: null, entitlements: [], denial_id: null, grant_id: null, request_id: null,
        grant_reason: null, redeemed: false, mode: "enforce", duration_us: 0, traceparent: null };
      for (let n = 1; ; n++) { spool.append({ ...body, decision_id: String(n) }); spool.write(); process.stdout.write(n + "\\n"); await null; if (n % 50 === 0) await new Promise(setImmediate); }
    `;
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let answered = "";
    child.stdout.on("data", (chunk: Buffer) => {
      answered += chunk.toString();
    });
    await waitUntil("200 answers", 10_000, () => answered.split("\n").length > 200);
    child.kill("SIGKILL");
    await once(child, "close");
    const last = answered.split("\n").slice(0, -1).map(Number).at(-1) ?? 0;

    const stream = memoryStream();
    const running = started(stream);
    const old = await waitUntil("the killed boot's log", 10_000, () => {
      const records = stream.records.filter((record) => record.log.endsWith(boot));
      return records.at(-1)?.kind === "log_closed" ? records : undefined;
    });
    expectWhole(old);
    const ids = new Set(old.map((record) => (record.kind === "decision" ? Number(record.decision_id) : 0)));
    for (let n = 1; n <= last; n++) expect(ids.has(n)).toBe(true);
    await running[Symbol.asyncDispose]();
  });
});
