/** A decision with traces: what a collector is sent, and that without them nothing of OpenTelemetry is loaded. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { deny, NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import type { Offer } from "../../../core/domain/denial.ts";
import { id } from "../../../core/domain/id.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { instant } from "../../../core/domain/time.ts";
import { startTraces, type Traces } from "../../../platform/traces/traces.ts";
import type { Ports } from "../evaluate.ts";
import type { Deadline, Evaluate, Evaluation } from "../ports.ts";
import { type OtlpCollector, startOtlpCollector } from "../../../test/harness/otlp-collector.ts";
import { traceDecisions, tracedJudge } from "./traced.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";
import { ELEVATION } from "../../../test/samples/domain.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const ENVOY_SPAN = "b7ad6b7169203331";
const DENIAL = "01930000-0000-7000-8000-000000000001";
const PUBLISH = "send countersign.denials.v1";
const SECRET = "Bearer a.secret.token";

let collector: OtlpCollector;
let traces: Traces;

beforeEach(async () => {
  collector = await startOtlpCollector();
  const config = { endpoint: collector.endpoint, ratio: 1 };
  traces = await startTraces(config, { service: "countersign-decision", instance: "decision-1" });
});
afterEach(async () => collector[Symbol.asyncDispose]());

/** What the collector has after the end. */
async function sent() {
  await traces[Symbol.asyncDispose]();
  return collector.spans();
}

const NOW = instant(1_795_478_400_000);
const subject: Subject = { issuer: "https://issuer.example", id: "dana", groups: [], claims: {}, actors: [] };
const deadline: Deadline = { leftMs: () => 400, within: () => deadline };
const options = { readClocks: () => ({ wall: NOW, monoMs: 0 }), deadline, mode: "enforce" } as const;

const evaluation = (traceparent: string | undefined): Evaluation =>
  evaluationOf({
    http: { query: `token=${SECRET}`, headers: new Map([["authorization", [SECRET]]]) },
    credentials: { authorization: [SECRET], principal: undefined },
    ...{ justification: SECRET, traceparent },
  });

const offer: Offer = { elevation: ELEVATION, binding: { kind: "unbindable", reason: "body_not_bindable" } };

/** Ends in a denial that names the traceparent under which it was asked for. */
function decide(asked: string[]): Evaluate {
  const ports: Ports = {
    identity: { identify: () => ({ kind: "subject", subject, expiresAt: NOW }) },
    context: { gather: () => ({}) },
    policy: {
      decide: () => ({
        verdict: { kind: "elevate", elevations: [ELEVATION], response: NO_RESPONSE_FIELDS },
        ...{ revision: "r1", fuelUsed: 7 },
      }),
    },
    grants: { covering: () => ({ kind: "uncovered", nearest: undefined }) },
    redemption: { redeem: async () => ({ kind: "unknown" }) },
    denials: {
      offers: () => ({ kind: "requestable", offers: [offer] }),
      async publish(ask) {
        asked.push(ask.evaluation.traceparent ?? "");
        return { kind: "issued", denial: { id: id("denial", DENIAL), expiresAt: NOW } };
      },
    },
    faults: { report: (error) => asked.push(String(error)) },
  };
  return traceDecisions(traces, ports, "kafka");
}

test("what the caller asked not to be recorded is not, and the denial says so too", async () => {
  const asked: string[] = [];
  await decide(asked)(evaluation(`00-${TRACE}-${ENVOY_SPAN}-00`), options);
  expect(asked).toEqual([expect.stringMatching(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))]);
  expect(await sent()).toEqual([]);
});

test("a decision is a span below the enforcer's, its steps are below it, and the denial carries it; no secret is told", async () => {
  const asked: string[] = [];
  const { decision } = await decide(asked)(evaluation(`00-${TRACE}-${ENVOY_SPAN}-01`), options);
  expect(decision.kind).toBe("needs_approval");
  const spans = await sent();
  const root = spans.find(({ name }) => name === "decision");
  expect(root).toMatchObject({ traceId: TRACE, parentSpanId: ENVOY_SPAN });
  const below = spans.filter(({ parentSpanId }) => parentSpanId === root?.spanId);
  expect(below.map(({ name }) => name).toSorted()).toEqual(["evaluate", "identify", PUBLISH]);
  expect(asked).toEqual([`00-${TRACE}-${root?.spanId}-01`]);
  const told = collector.text();
  for (const word of ["needs_approval", DENIAL, "countersign-decision", "decision-1"]) expect(told).toContain(word);
  for (const word of [SECRET, "dana", "/orders/42"]) expect(told).not.toContain(word);
});

test("decisions at once do not take each other's steps, and a traceparent of zeros begins a trace of its own", async () => {
  const both = decide([]);
  const none = `00-${"0".repeat(32)}-${"0".repeat(16)}-01`;
  await Promise.all([`00-${TRACE}-${ENVOY_SPAN}-01`, none, undefined].map((one) => both(evaluation(one), options)));
  const spans = await sent();
  const roots = spans.filter(({ name }) => name === "decision");
  expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(3);
  for (const { spanId, traceId } of roots) {
    const steps = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
    expect(steps.map((step) => `${step.name} ${step.traceId}`).toSorted()).toEqual(
      ["evaluate", "identify", PUBLISH].map((name) => `${name} ${traceId}`),
    );
  }
});

test("a collector that is away changes no decision and does not hold up the end", async () => {
  await collector[Symbol.asyncDispose]();
  const { decision } = await decide([])(evaluation(undefined), options);
  expect(decision.kind).toBe("needs_approval");
  expect(await sent()).toEqual([]);
}, 20_000);

test("compatibility mode: a call that is judged is a span below the enforcer's, and its record names that span", async () => {
  const judge = tracedJudge(traces, async ({ evaluation: { decisionId } }) => ({
    evaluated: { decision: deny("policy_not_loaded"), subject: undefined, policyRevision: decisionId },
    answer: () => ({ status: undefined, dynamicMetadata: undefined }),
  }));
  const call = { arrived: { kind: "oversize" }, fault: undefined, deadline, shed: false } as const;
  const { evaluated } = await judge({ ...call, evaluation: evaluation(`00-${TRACE}-${ENVOY_SPAN}-01`) });
  const [span] = await sent();
  expect(span).toMatchObject({ name: "decision", traceId: TRACE, parentSpanId: ENVOY_SPAN, kind: 2 });
  expect(evaluated.traceparent).toBe(`00-${TRACE}-${span?.spanId}-01`);
});

test("without traces nothing of OpenTelemetry is loaded, however the services are put together", async () => {
  const program = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve(name, context, next) { if (name.startsWith("@opentelemetry")) seen.push(name); return next(name, context); } });
    const { startTracesIf } = await import("./platform/traces/traces.ts");
    for (const part of ["decision/main/native-path", "decision/main/compat-path", "approval/main/tracing", "approval/rest/server"])
      await import("./services/" + part + ".ts");
    const as = { service: "s", instance: "i" };
    await startTracesIf(undefined, as);
    const off = seen.length;
    await startTracesIf({ endpoint: "http://127.0.0.1:9/", ratio: 1 }, as);
    process.stdout.write(JSON.stringify([off, seen.length > 0]));
    process.exit();`;
  const args = ["--input-type=module", "--eval", program];
  const cwd = join(import.meta.dirname, "../../..");
  expect((await promisify(execFile)(process.execPath, args, { cwd })).stdout).toBe("[0,true]");
}, 20_000);
