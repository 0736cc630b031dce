/**
 * Denied → submitted → approved → redeemed → allowed → on the audit topic, as spans: with a real Envoy that traces, Kafka, PostgreSQL, and a
 * collector that they all send to. docs/traces.md says what is promised.
 */
import { expect, test } from "@jest/globals";
import { TOPICS } from "../../core/messages/topics.ts";
import { parseTraceparent } from "../../platform/traces/traceparent.ts";
import type { CollectedSpan, OtlpCollector } from "../harness/otlp-collector.ts";
import type { System } from "../harness/system.ts";
import { type Call, textAt } from "../../platform/programs/client.ts";
import { recordsOf } from "../harness/system/topics.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { answerOf } from "../../sample/story/ask.ts";

const REASON = "the customer cancelled it twice";
/** Of a client of the REST interface. */
const CALLER = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
const IN_STORY = [
  ...["decision", "identify", "evaluate", "send countersign.denials.v1", "process countersign.denials.v1"],
  ...["submit", "route", "review", "may_review", "issue", "send countersign.state.v1", "POST"],
];
const IN_RETRY = ["decision", "evaluate", "countersign.v1.RedemptionService/Redeem"];

export function testTracedStory(on: () => { readonly system: System; readonly collector: OtlpCollector }): void {
  test("what comes of a denial is one trace, below Envoy's span; the use is the retry's and linked to it; no person, path or reason is told", async () => {
    const { system, collector } = on();
    const dana = await system.as("dana");
    const max = await system.as("max");
    const denied = await answerOf(() => dana.proxy("DELETE", "/orders/43"));
    const denialId = textAt(denied.body, "denial_id");
    const request = await submit(dana.approvals, denialId);
    const requestId = textAt(request, "id");
    const body = { vote: "approve", digest: textAt(request, "digest") };
    await max.approvals("POST", `/v1/requests/${requestId}/reviews`, { body });
    await waitUntil("the grant to open", 30_000, async () => {
      const { status } = await dana.proxy("DELETE", "/orders/43");
      return status === 200;
    });

    const denial = await decisionWith(collector, "countersign.outcome", "needs_approval", (span) =>
      below(collector, span).some((one) => one.attributes.get("countersign.denial_id") === denialId),
    );
    const story = denial.traceId;
    await spansOf(collector, story, IN_STORY);
    // Envoy's own span is the parent, though the client named none.
    expect(denial.parentSpanId).toMatch(/^[0-9a-f]{16}$/);
    const parent = denial.parentSpanId ?? "";
    await waitUntil("Envoy to send the span that the decision is below", 30_000, () => collector.hasBinary(parent));

    const rest = await spansOf(collector, CALLER.traceId, ["POST /v1/requests"]);
    expect(rest).toMatchObject([{ parentSpanId: CALLER.spanId, kind: 2 }]);
    const submits = collector.spans().filter(({ name, traceId }) => name === "submit" && traceId === story);
    expect(submits.map(({ links }) => links)).toContainEqual([CALLER.traceId]);

    const redeemed = await waitUntil("the span of the use", 30_000, () =>
      collector
        .spans()
        .find(({ service, name }) => service === "countersign-approval" && name.endsWith("RedemptionService/Redeem")),
    );
    expect(redeemed).toMatchObject({ kind: 2, links: [story] });
    const retry = redeemed.traceId;
    expect(retry).not.toBe(story);
    const inRetry = await spansOf(collector, retry, IN_RETRY);
    const [client] = inRetry.filter(({ kind, name }) => kind === 3 && name.endsWith("Redeem"));
    expect(redeemed.parentSpanId).toBe(client?.spanId);

    // Everything on the audit topic names the span that made it: the story's, or the use's.
    const events = await waitUntil("the use to be on the audit topic", 30_000, async () => {
      const found = (await audited(system)).filter(({ subject }) => /^(request|grant|decision|denial)\//.test(subject));
      return found.some(({ type }) => type === "countersign.grant.used.v1") && found;
    });
    const told = (types: readonly string[]) =>
      events
        .filter(({ type }) => types.includes(type))
        .map(({ traceparent }) => parseTraceparent(traceparent)?.traceId);
    const kinds = ["request.submitted", "review.recorded", "request.approved", "grant.issued"];
    expect(told(kinds.map((kind) => `countersign.${kind}.v1`))).toEqual(kinds.map(() => story));
    expect(told(["countersign.grant.used.v1"])).toEqual([retry]);
    const decisions = await waitUntil("both decisions to be on the audit topic", 30_000, async () => {
      const of = (await audited(system)).filter(({ type }) => type === "countersign.decision.v1");
      const ids = of.map(({ traceparent }) => parseTraceparent(traceparent)?.traceId);
      return ids.includes(story) && ids.includes(retry) && of;
    });
    expect(decisions.map(({ traceparent }) => parseTraceparent(traceparent)?.spanId)).toContain(denial.spanId);
    await waitUntil("the audit relay's span for the story", 30_000, () =>
      collector
        .spans()
        .some(
          ({ name, traceId, links }) => name === "send countersign.audit.v1" && [traceId, ...links].includes(story),
        ),
    );
    const text = collector.text();
    expect(text).toContain(requestId);
    for (const word of [REASON, "dana", "max", "/orders/43", "order/43"]) expect(text).not.toContain(word);
  }, 90_000);
}

async function submit(call: Call, denialId: string): Promise<object> {
  const body = { denial_id: denialId, justification: REASON };
  const headers = { traceparent: `00-${CALLER.traceId}-${CALLER.spanId}-01` };
  return waitUntil("the denial to arrive", 30_000, async () => {
    // Those before it has come are another trace, or they would be more than one request of the caller's.
    const known = await call("GET", `/v1/denials/${denialId}`);
    if (known.status !== 200) return undefined;
    const answer = await call("POST", "/v1/requests", { body, headers });
    const request = new Map(Object.entries(answer.body ?? {})).get("request");
    return typeof request === "object" && request !== null && request;
  });
}

function below(collector: OtlpCollector, { spanId }: CollectedSpan): readonly CollectedSpan[] {
  return collector.spans().filter(({ parentSpanId }) => parentSpanId === spanId);
}

function decisionWith(
  collector: OtlpCollector,
  attribute: string,
  value: string,
  isIt: (span: CollectedSpan) => boolean,
): Promise<CollectedSpan> {
  return waitUntil(`the span of a decision with ${attribute} ${value}`, 30_000, () =>
    collector
      .spans()
      .find((span) => span.name === "decision" && span.attributes.get(attribute) === value && isIt(span)),
  );
}

async function spansOf(collector: OtlpCollector, trace: string, names: readonly string[]) {
  let missing: readonly string[] = [];
  try {
    return await waitUntil(`the spans of trace ${trace}`, 30_000, () => {
      const found = collector.spans().filter(({ traceId }) => traceId === trace);
      missing = names.filter((name) => !found.some((span) => span.name === name));
      return missing.length === 0 && found;
    });
  } catch (error) {
    throw new Error(`missing: ${missing.join(", ")}`, { cause: error });
  }
}

async function audited(system: System) {
  const records = await recordsOf(system.kafka.settings, TOPICS.audit.name);
  return records.map(({ headers }) => {
    const header = (name: string) => headers.get(`ce_${name}`)?.toString("utf8") ?? "";
    return { type: header("type"), subject: header("subject"), traceparent: header("traceparent") };
  });
}
