/** A decision with traces: what a collector is sent, and that without them nothing of OpenTelemetry is loaded. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { NO_RESPONSE_FIELDS } from "../../../core/domain/decision.ts";
import type { Offer } from "../../../core/domain/denial.ts";
import type { Elevation } from "../../../core/domain/elevation.ts";
import { id } from "../../../core/domain/id.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { durationMs, instant } from "../../../core/domain/time.ts";
import { startTraces, type Traces } from "../../../platform/traces/traces.ts";
import type { Ports } from "../evaluate.ts";
import type { Deadline, Evaluate, Evaluation } from "../ports.ts";
import { traceDecisions } from "./traced.ts";

const SPAN = Type.Object({
  ...{ traceId: Type.String(), spanId: Type.String(), parentSpanId: Type.Optional(Type.String()) },
  ...{ name: Type.String(), attributes: Type.Unknown() },
});
const Sent = Compile(
  Type.Object({
    resourceSpans: Type.Array(
      Type.Object({ scopeSpans: Type.Array(Type.Object({ spans: Type.Array(SPAN) })), resource: Type.Unknown() }),
    ),
  }),
);
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const ENVOY_SPAN = "b7ad6b7169203331";
const DENIAL = "01930000-0000-7000-8000-000000000001";
const SECRET = "Bearer a.secret.token";

const bodies: string[] = [];
let collector: Server;
let traces: Traces;

beforeEach(async () => {
  bodies.length = 0;
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const address = collector.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const config = { endpoint: `http://127.0.0.1:${port}/v1/traces`, ratio: 1 };
  traces = await startTraces(config, { service: "countersign-decision", instance: "decision-1" });
});
afterEach(() => {
  collector.closeAllConnections();
  collector.close();
});

/** What the collector has after the end. */
async function sent() {
  await traces[Symbol.asyncDispose]();
  const all = bodies.map((body) => Sent.Parse(JSON.parse(body)));
  const spans = all.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans));
  return spans.flatMap((scope) => scope.spans);
}

const NOW = instant(1_795_478_400_000);
const subject: Subject = { issuer: "https://issuer.example", id: "dana", groups: [], claims: {}, actors: [] };
const deadline: Deadline = { leftMs: () => 400, within: () => deadline };
const options = { readClocks: () => ({ wall: NOW, monoMs: 0 }), deadline, mode: "enforce" } as const;

const evaluation = (traceparent: string | undefined): Evaluation => ({
  decisionId: id("decision", "01930000-0000-7000-8000-000000000002"),
  protocol: "http",
  call: {
    ...{ source: undefined, destination: undefined, time: undefined, httpDetails: undefined, tlsServerName: undefined },
    contextExtensions: new Map(),
    http: {
      ...{ method: "DELETE", scheme: "http", authority: "orders", path: "/orders/42", query: `token=${SECRET}` },
      ...{ headers: new Map([["authorization", [SECRET]]]), body: { kind: "not_buffered" } },
    },
  },
  credentials: { authorization: [SECRET], principal: undefined },
  justification: SECRET,
  traceparent,
});

const elevation: Elevation = {
  ...{ entitlement: "orders-delete", scope: "order/42", title: "Delete an order", display: [] },
  ...{ approversHint: undefined, risk: "high", binding: "scope", bindHeaders: [], maxUses: 1 },
  ...{ maxDuration: durationMs(3_600_000), justification: { required: true, minLength: 10 } },
};
const offer: Offer = { elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } };

/** Ends in a denial that names the traceparent under which it was asked for. */
function decide(asked: string[]): Evaluate {
  const ports: Ports = {
    identity: { identify: async () => ({ kind: "subject", subject, expiresAt: NOW }) },
    context: { gather: () => ({}) },
    policy: {
      decide: () => ({
        verdict: { kind: "elevate", elevations: [elevation], response: NO_RESPONSE_FIELDS },
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
  return traceDecisions(traces, ports);
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
  expect(below.map(({ name }) => name).toSorted()).toEqual(["evaluate", "identify", "publish"]);
  expect(asked).toEqual([`00-${TRACE}-${root?.spanId}-01`]);
  const told = JSON.stringify(bodies);
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
      ["evaluate", "identify", "publish"].map((name) => `${name} ${traceId}`),
    );
  }
});

test("a collector that is away changes no decision and does not hold up the end", async () => {
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
  const { decision } = await decide([])(evaluation(undefined), options);
  expect(decision.kind).toBe("needs_approval");
  expect(await sent()).toEqual([]);
}, 20_000);

test("without traces nothing of OpenTelemetry is loaded, however the service is put together", async () => {
  const program = `
    import { registerHooks } from "node:module";
    const seen = [];
    registerHooks({ resolve(name, context, next) { if (name.startsWith("@opentelemetry")) seen.push(name); return next(name, context); } });
    const { withTraces } = await import("./services/decision/main/traced.ts");
    await import("./services/decision/main/native-path.ts");
    const own = (one) => one;
    await withTraces(undefined, { own, instance: "i" }, {});
    const off = seen.length;
    await withTraces({ endpoint: "http://127.0.0.1:9/", ratio: 1 }, { own, instance: "i" }, {});
    process.stdout.write(JSON.stringify([off, seen.length > 0]));
    process.exit();`;
  const args = ["--input-type=module", "--eval", program];
  const cwd = join(import.meta.dirname, "../../..");
  expect((await promisify(execFile)(process.execPath, args, { cwd })).stdout).toBe("[0,true]");
}, 20_000);
