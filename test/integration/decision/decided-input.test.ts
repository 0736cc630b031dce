/**
 * From the id of a decision to what it was decided from: a service that keeps inputs for who writes policies shows the exact one, the log has the
 * revision that decided, and that bundle says the same of that input again, at the same cost.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { statementOf } from "../../../core/policy/asked/said.ts";
import { loadAsked, type LoadedBundle } from "../../../core/policy/explain/load-asked.ts";
import { recordedInputs } from "../../../core/policy/explain/recorded-inputs.ts";
import { AuthorizationService, CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { checkOf } from "../../bench/check/sample-check.ts";
import { frame, sendFrames } from "../../harness/grpc-frames.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { startLoneDecision, token } from "./lone-decision.ts";

const BUNDLE = join(import.meta.dirname, "../../../rego/bundle");
/** Beyond 2^53, and with a zero at its end. */
const BODY = '{"order":9007199254740993,"amount":40.10}';

let folder: string;
let bundle: LoadedBundle;
let service: Decision;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "decided-input-"));
  bundle = await loadAsked(BUNDLE, { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() });
  const further = { development: { keepInputs: 2 } };
  service = await startLoneDecision({ folder, name: "decision", bundle: BUNDLE, further });
});
afterAll(async () => {
  await service?.kill();
  await rm(folder, { recursive: true, force: true });
});

async function decisionIdOf(path: string): Promise<string> {
  const call = checkOf({ method: "POST", path, token: token(), body: Buffer.from(BODY) });
  const { message } = await sendFrames(service.port, { path: AuthorizationService.check.path, body: frame(call) });
  const id: unknown = CheckResponse.decode(message ?? Buffer.alloc(0)).dynamicMetadata?.["decision_id"];
  if (typeof id !== "string") throw new Error("an answer without the id of its decision");
  return id;
}

async function inputOf(decisionId: string): Promise<{ readonly status: number; readonly line: string }> {
  const answer = await fetch(`${service.opsUrl}/v1/inputs?decision_id=${decisionId}`);
  return { status: answer.status, line: await answer.text() };
}

test("an id gives the input of that decision to the last digit, and one that is not kept any more gives none", async () => {
  const first = await decisionIdOf("/refunds?n=1");
  const second = await decisionIdOf("/refunds?n=2");
  const { line } = await inputOf(first);
  expect(line).toContain(`"decision_id":"${first}"`);
  expect(line).toContain(`"parsed_body":${BODY}`);
  expect(line).toContain('"parsed_query":{"n":["1"]}');
  expect((await inputOf(second)).line).toContain('"parsed_query":{"n":["2"]}');
  await decisionIdOf("/refunds?n=3");
  expect(await inputOf(first)).toMatchObject({ status: 404 });
  expect(await inputOf("nobody")).toMatchObject({ status: 404 });
});

test("the record of that decision names the revision that decided, and that bundle decides the same input alike", async () => {
  const decisionId = await decisionIdOf("/refunds");
  const { line } = await inputOf(decisionId);
  const [recorded] = recordedInputs(line);
  const { said, fuelUsed } = bundle.ask(recorded?.json ?? "", { nowNs: recorded?.nowNs ?? 0n });
  const { outcome } = statementOf(said);
  const told = { revision: bundle.revision, verdict: outcome, fuel_used: fuelUsed };
  expect(outcome).toBe("elevate");
  expect(JSON.parse(line)).toMatchObject(told);
  let record = "";
  await waitUntil("the record of the decision", 30_000, async () => {
    record = (await spooled()).find((one) => one.includes(decisionId)) ?? "";
    return record !== "";
  });
  expect(record).toContain(`"policy_revision":"${bundle.revision}"`);
  expect(record).toContain(`"policy_fuel":${fuelUsed}`);
});

/** Records that wait for a broker, a line each, whatever stands around them. */
async function spooled(): Promise<readonly string[]> {
  const spool = join(folder, "decision-log");
  const names = (await readdir(spool, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(names.map(({ parentPath, name }) => readFile(join(parentPath, name), "latin1")));
  return texts.flatMap((text) => text.split("\n"));
}
