/** `countersign.v1.DecisionService` of the real process: an answer for who is known, an error for who is not, and never an allow by mistake. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  DecisionServiceClient,
  type EvaluateBatchResponse,
  type EvaluateRequest,
  type EvaluateResponse,
  Mode,
  Outcome,
  Semantic,
} from "../../../proto/gen/countersign/v1/decision.ts";
import { freePort } from "../../harness/free-port.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { ISSUER, startLoneDecision, token } from "./lone-decision.ts";

const CLIENT = "service-token-of-the-worker";
let folder: string;
let bundle: string;
let decision: Decision;
let client: DecisionServiceClient;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "decision-service-"));
  await writeFile(path.join(folder, "worker"), CLIENT);
  const grpcPort = await freePort();
  const clients = [{ name: "worker", tokenPath: path.join(folder, "worker"), subjects: { user: ISSUER } }];
  const api = { baseUrl: "https://pdp.example", httpPort: 0, grpcPort, maxBatch: 3, clients };
  bundle = path.join(folder, "bundle");
  await cp(path.join(import.meta.dirname, "../../../rego/bundle"), bundle, { recursive: true });
  decision = await startLoneDecision({ folder, name: "grpc", bundle, further: { api } });
  client = new DecisionServiceClient(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
});
afterAll(async () => {
  client?.close();
  await decision?.stop();
  await rm(folder, { recursive: true });
});

function metadataOf(...values: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const value of values) metadata.add("authorization", `Bearer ${value}`);
  return metadata;
}

function question(changes: Partial<EvaluateRequest> = {}): EvaluateRequest {
  return {
    subject: { type: "user", id: "dana", properties: { groups: ["engineers"] } },
    action: { name: "read", properties: undefined },
    resource: { type: "file", id: "f1", properties: undefined },
    context: undefined,
    mode: Mode.MODE_UNSPECIFIED,
    ...changes,
  };
}

type Said<T> = { readonly code: status; readonly response?: T };

function said<T>(resolve: (said: Said<T>) => void) {
  return (error: ServiceError | null, response: T) =>
    resolve(error === null ? { code: status.OK, response } : { code: error.code });
}

const evaluate = (request: EvaluateRequest, metadata = metadataOf(CLIENT)) =>
  new Promise<Said<EvaluateResponse>>((resolve) => {
    client.evaluate(request, metadata, { deadline: Date.now() + 30_000 }, said(resolve));
  });
const batch = (evaluations: EvaluateRequest[], semantic: Semantic) =>
  new Promise<Said<EvaluateBatchResponse>>((resolve) => {
    client.evaluateBatch({ evaluations, semantic }, metadataOf(CLIENT), said(resolve));
  });

describe("DecisionService", () => {
  test("answers nobody without a credential, with a wrong one, or with two", async () => {
    expect(await evaluate(question(), new Metadata())).toEqual({ code: status.UNAUTHENTICATED });
    expect(await evaluate(question(), metadataOf(`${CLIENT}x`))).toEqual({ code: status.UNAUTHENTICATED });
    expect(await evaluate(question(), metadataOf(`${CLIENT}, Bearer ${CLIENT}`))).toEqual({
      code: status.UNAUTHENTICATED,
    });
    expect((await evaluate(question())).code).toBe(status.OK);
  });

  test("denies with the reason, the decision id and the revision", async () => {
    const { response } = await evaluate(question());
    expect(response).toMatchObject({ outcome: Outcome.OUTCOME_DENY, reason: "no_rule_matched" });
    expect(response?.decisionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(response?.policyRevision).not.toBe("");
  });

  test("denies whom the caller may not speak for", async () => {
    const robot = question({ subject: { type: "robot", id: "r2", properties: undefined } });
    expect((await evaluate(robot)).response).toMatchObject({
      outcome: Outcome.OUTCOME_DENY,
      reason: "subject_not_trusted",
    });
    const other = question({ subject: { type: "user", id: "max", properties: undefined } });
    expect((await evaluate(other, metadataOf(token()))).response).toMatchObject({ reason: "subject_not_trusted" });
  });

  test("enforces for configured enforcers only", async () => {
    expect(await evaluate(question({ mode: Mode.MODE_ENFORCE }))).toEqual({ code: status.PERMISSION_DENIED });
    expect(await batch([question({ mode: Mode.MODE_ENFORCE })], Semantic.SEMANTIC_UNSPECIFIED)).toEqual({
      code: status.INVALID_ARGUMENT,
    });
  });

  test("refuses what is no question: a part that is missing, a number that is none, deep nesting", async () => {
    for (const wrong of [
      question({ subject: undefined }),
      question({ action: { name: "", properties: undefined } }),
      question({ context: { number: Number.NaN } }),
    ]) {
      expect(await evaluate(wrong)).toEqual({ code: status.INVALID_ARGUMENT });
    }
    // Not even decoded.
    expect(await evaluate(question({ context: nested(100) }))).toEqual({ code: status.INTERNAL });
    expect((await evaluate(question())).code).toBe(status.OK);
  });

  test("answers a batch in order, as far as its semantic goes, and none beyond the limit", async () => {
    const none = question({ resource: undefined });
    const { response } = await batch([none, question()], Semantic.SEMANTIC_EXECUTE_ALL);
    expect(response?.evaluations.map(({ reason }) => reason)).toEqual(["request_parse_error", "no_rule_matched"]);
    const stopped = await batch([question(), question()], Semantic.SEMANTIC_DENY_ON_FIRST_DENY);
    expect(stopped.response?.evaluations).toHaveLength(1);
    const four = [question(), question(), question(), question()];
    expect(await batch(four, Semantic.SEMANTIC_UNSPECIFIED)).toEqual({ code: status.INVALID_ARGUMENT });
  });

  test("answers by the revision that the metric bundle_info names, before and after another bundle, and by no other", async () => {
    const named = async () => {
      const text = await (await fetch(`${decision.opsUrl}/metrics`)).text();
      return Array.from(
        text.matchAll(/^countersign_decision_bundle_info\{revision="([^"]*)",.*\} 1$/gm),
        ([, one]) => one,
      );
    };
    expect(await named()).toEqual([(await evaluate(question())).response?.policyRevision]);
    const manifest = path.join(bundle, ".manifest");
    await writeFile(manifest, (await readFile(manifest, "utf8")).replace(/"revision": "\w+"/, '"revision": "another"'));
    decision.reload();
    const answeredBy = async () => (await evaluate(question())).response?.policyRevision;
    await waitUntil("the other bundle", 20_000, async () => (await answeredBy()) === "another");
    expect(await named()).toEqual(["another"]);
  });

  function nested(depth: number): { [name: string]: unknown } {
    return depth === 0 ? {} : { in: nested(depth - 1) };
  }
});
