/**
 * The spool's disk gives out under `audit: required`, in the real service: the kernel refuses its writes in the middle of a record, or its
 * fsync fails. What was answered as decided is in the log, whole and chained; what was not is 503; and when there is room again it goes on.
 */
import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { credentials } from "@grpc/grpc-js";
import {
  type DecisionLogRecord,
  DecisionLogRecordSchema,
  decisionRecordHash,
} from "../../../core/messages/decision-record.ts";
import { createParser } from "../../../core/messages/parse.ts";
import {
  AuthorizationClient,
  CheckRequest,
  type CheckResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { sampleCheck } from "../../bench/check/sample-check.ts";
import { SWITCH } from "../../harness/failing-disk.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const run = promisify(execFile);
const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
const needs = hasPrlimit ? "" : " (needs prlimit)";
const parse = createParser(DecisionLogRecordSchema);

let folder: string;
let service: Decision;
let client: AuthorizationClient;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "disk-full-"));
  const further = { decisionLog: { folder: join(folder, "spool"), audit: "required" } };
  const preload = [join(import.meta.dirname, "../../harness/failing-disk.ts")];
  service = await startLoneDecision({ folder, name: "decision", further, preload });
  client = new AuthorizationClient(`127.0.0.1:${service.port}`, credentials.createInsecure());
});
afterEach(async () => {
  client.close();
  await service.kill();
  await rm(folder, { recursive: true, force: true });
});

type Answer = { readonly kind: "allowed" | "unavailable"; readonly decisionId: string };

function checks(count: number): Promise<readonly Answer[]> {
  const request = CheckRequest.decode(sampleCheck("GET", token()));
  const one = () =>
    new Promise<Answer>((resolve, reject) => {
      client.check(request, (error, response) => (error === null ? resolve(answerOf(response)) : reject(error)));
    });
  return Promise.all(Array.from({ length: count }, one));
}

function answerOf({ httpResponse }: CheckResponse): Answer {
  if (httpResponse?.$case === "okResponse") {
    const named = httpResponse.value.headers.find(({ header }) => header?.key === "countersign-decision-id")?.header;
    return { kind: "allowed", decisionId: named?.value || String(named?.rawValue) };
  }
  if (httpResponse?.$case !== "deniedResponse") throw new Error("no answer");
  const body: Record<string, unknown> = JSON.parse(httpResponse.value.body);
  expect([httpResponse.value.status?.code, body["reasons"]]).toEqual([503, ["audit_unavailable"]]);
  return { kind: "unavailable", decisionId: String(body["decision_id"]) };
}

const segments = () =>
  readdirSync(join(folder, "spool"))
    .filter((name) => name.endsWith(".log"))
    .sort()
    .map((name) => join(folder, "spool", name));

/** Every record on the disk, by boot, each log held against its own chain. */
function onRecord(): readonly DecisionLogRecord[] {
  const records = segments().flatMap((path) => {
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.pop()).toBe(""); // no half record at the end
    return lines.map((line) => {
      const record = parse(Buffer.from(line));
      if (record.kind === "malformed") throw new Error(record.detail);
      return record.value;
    });
  });
  records.forEach((record, at) => {
    const before = records[at - 1];
    if (before?.log !== record.log) return expect(record.index).toBe(0);
    expect([record.index, record.prev]).toEqual([before.index + 1, decisionRecordHash(before)]);
  });
  return records;
}

function expectOnRecord(answers: readonly Answer[]): void {
  const ids = new Set(onRecord().map((record) => (record.kind === "decision" ? record.decision_id : "")));
  for (const { kind, decisionId } of answers)
    expect([decisionId, ids.has(decisionId)]).toEqual([decisionId, kind === "allowed"]);
}

/** `soft` limits the size of any file of the process: beyond it the kernel writes what still fits, and then EFBIG, as on a full disk. */
const limitFiles = (soft: string) => run("prlimit", [`--pid=${service.pid()}`, `--fsize=${soft}:`]);
const health = async () => (await fetch(`${service.opsUrl}/readyz`)).text();

(hasPrlimit ? test : test.skip)(
  `a disk that is full in the middle of a group: what was allowed is in the log, all else is 503; with room again it goes on, without a gap${needs}`,
  async () => {
    const before = await checks(200);
    expect(before.every(({ kind }) => kind === "allowed")).toBe(true);
    const [segment = ""] = segments();
    await limitFiles(String(statSync(segment).size + 2_500));
    const during: Answer[] = [];
    for (let turn = 0; turn < 10; turn += 1) during.push(...(await checks(8)));
    expect(during.at(-1)?.kind).toBe("unavailable");
    expectOnRecord([...before, ...during]);
    expect(await health()).toContain('"detail":"the spool is broken"');
    await limitFiles("unlimited");
    const after = await checks(50);
    expect(after.map(({ kind }) => kind)).toEqual(after.map(() => "allowed"));
    expectOnRecord([...before, ...during, ...after]);
    expect(await health()).not.toContain("the spool is broken");
  },
);

test("an fsync that fails: nothing is allowed from then on, since nobody knows what the disk has; the next start goes on and closes the old log", async () => {
  const before = await checks(20);
  writeFileSync(join(folder, SWITCH), "");
  const during = await checks(20);
  expect(during.map(({ kind }) => kind)).toEqual(during.map(() => "unavailable"));
  rmSync(join(folder, SWITCH));
  // NB: an fsync that succeeds after one that failed says nothing about what was written before it.
  expect((await checks(1)).map(({ kind }) => kind)).toEqual(["unavailable"]);
  expect(await health()).toContain("the spool is broken");
  await service.kill();
  await service.start();
  const after = await waitUntil("checks to be answered again", 30_000, () => checks(5).catch(() => undefined));
  expect(after.map(({ kind }) => kind)).toEqual(after.map(() => "allowed"));
  await waitUntil("the old log to be closed", 30_000, () =>
    onRecord().some((record) => record.kind === "log_closed" && record.tail === "recovered"),
  );
  const ids = onRecord().map((record) => (record.kind === "decision" ? record.decision_id : ""));
  for (const { decisionId } of [...before, ...after]) expect(ids).toContain(decisionId);
});
