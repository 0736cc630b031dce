/**
 * Spans of the approval service. What follows from a denial belongs to the trace of that denial, whoever does it and whenever: intake, submit,
 * review, issue, the grant's way to the state topic, notifications. So a command is a child of the decision that denied, and is linked to the
 * REST request that called it, unless both are in one trace anyway. For a use it is the reverse: it is a child of the redeeming call and linked
 * to the denial. What serves several at once (a relay's batch) is linked to each.
 *
 * Everything is wrapped from outside, and without traces nothing is. NB: attributes are ids, outcomes and reasons; never who, where or why.
 */
import { isId } from "../../../core/domain/id.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import type { EventStream, OutgoingRecord } from "../../../platform/stream/port.ts";
import { messaging, rpc, spanBelow } from "../../../platform/traces/conventions.ts";
import { firstTraceparent, isSameTrace } from "../../../platform/traces/traceparent.ts";
import type { Attributes, Traces, TraceSpan } from "../../../platform/traces/traces.ts";
import type { RedemptionServerDeps } from "../grpc/redemption-server.ts";
import type { Deliver } from "../notify/deliver.ts";
import type { Permission, Router, Transaction } from "../ports.ts";
import { traceparentsOf } from "../store/traceparents.ts";
import type { Store } from "../store/store.ts";
import type { Commands } from "./commands.ts";

export type Tracing = {
  readonly traces: Traces | undefined;
  readonly store: (store: Store) => Store;
  readonly policy: (policy: Router & Permission) => Router & Permission;
  readonly commands: (commands: Commands) => Commands;
  readonly redeem: (redeem: Commands["redeem"]) => RedemptionServerDeps["redeem"];
  /** What the relays publish by. */
  readonly statePublisher: (stream: RelayStream) => RelayStream;
  readonly auditPublisher: (stream: RelayStream) => RelayStream;
  readonly deliver: (deliver: Deliver) => Deliver;
};

type RelayStream = Pick<EventStream, "publish" | "subscribe">;

const same = <T>(one: T): T => one;

export const UNTRACED: Tracing = {
  traces: undefined,
  ...{ store: same, policy: same, commands: same, redeem: same },
  ...{ statePublisher: same, auditPublisher: same, deliver: same },
};

/** `system`: the messaging system. */
export function createTracing(
  traces: Traces,
  { database, system }: { readonly database: Pick<Database, "query">; readonly system: string },
): Tracing {
  /** Traceparents of the denials behind these; none if the database does not answer: a trace is no reason to fail. */
  async function denialsOf(kind: Parameters<typeof traceparentsOf>[1], ids: readonly string[]) {
    const found = await traceparentsOf(database, kind, ids).catch(() => new Map<string, string>());
    return [...found.values()];
  }

  async function command<T extends Outcome>(
    name: string,
    [kind, id]: readonly [kind: "denial" | "request" | "grant", id: string],
    run: () => Promise<T>,
  ): Promise<T> {
    const caller = traces.here();
    const [denied] = await denialsOf(kind, [id]);
    const isApart = denied !== undefined && !isSameTrace(denied, caller);
    const above = isApart ? { parent: denied, links: caller === undefined ? [] : [caller] } : {};
    return traces.span(
      name,
      async (span) => {
        const outcome = await run();
        span.set({ [`countersign.${kind}_id`]: id, ...told(outcome) });
        return outcome;
      },
      above,
    );
  }

  function issuing(tx: Transaction): Transaction {
    const insert: Transaction["grants"]["insert"] = (grant) =>
      traces.span("issue", () => tx.grants.insert(grant), {
        attributes: { "countersign.grant_id": grant.id, "countersign.request_id": grant.requestId },
      });
    return { ...tx, grants: { ...tx.grants, insert } };
  }

  function publisher(topic: string, causesOf: (records: readonly OutgoingRecord[]) => Promise<readonly string[]>) {
    const send = messaging("send", topic, system);
    return (stream: RelayStream): RelayStream => ({
      subscribe: (subscription) => stream.subscribe(subscription),
      publish: async (records, options) =>
        spanBelow(traces, send, await causesOf(records), async (span) => {
          const outcome = await stream.publish(records, options);
          span?.set({ "messaging.batch.message_count": records.length, "countersign.published": outcome.kind });
          return outcome;
        }),
    });
  }

  return {
    traces,
    store: (store) => ({
      ...store,
      transaction: (name, work, settle) => store.transaction(name, (tx) => work(issuing(tx)), settle),
    }),
    policy: (policy) => ({
      route: (request) => traces.span("route", (span) => noted(span, policy.route(request))),
      mayReview: (request, reviewer) =>
        traces.span("may_review", (span) => noted(span, policy.mayReview(request, reviewer))),
    }),
    commands: (commands) => ({
      ...commands,
      submit: (asked) => command("submit", ["denial", asked.denialId], () => commands.submit(asked)),
      review: (vote) => command("review", ["request", vote.requestId], () => commands.review(vote)),
      cancel: (asked) => command("cancel", ["request", asked.requestId], () => commands.cancel(asked)),
      revoke: (asked) => command("revoke", ["grant", asked.grantId], () => commands.revoke(asked)),
      acceptDenial: (arrived) =>
        spanBelow(traces, messaging("process", TOPICS.denials.name, system), named(arrived.denial), (span) => {
          span?.set({ "countersign.denial_id": arrived.denial.id });
          return noted(span, commands.acceptDenial(arrived));
        }),
      recordDecisions: (arrived) =>
        spanBelow(
          traces,
          messaging("process", TOPICS.decisions.name, system),
          arrived.entries.flatMap(({ record }) => named(record)),
          (span) => {
            span?.set({ "messaging.batch.message_count": arrived.entries.length });
            return noted(span, commands.recordDecisions(arrived));
          },
        ),
    }),
    redeem(redeem) {
      const { name, options } = rpc("server", "countersign.v1.RedemptionService", "Redeem");
      return (claim, isGone, parent) =>
        traces.span(
          name,
          async (span) => {
            const [outcome, [denied]] = await Promise.all([redeem(claim, isGone), denialsOf("grant", [claim.grantId])]);
            if (denied !== undefined && !isSameTrace(denied, span.traceparent)) span.link(denied);
            const ids = { "countersign.grant_id": claim.grantId, "countersign.decision_id": claim.redemptionId };
            span.set({ ...ids, ...told(outcome) });
            return outcome;
          },
          { ...options, parent },
        );
    },
    statePublisher: publisher(TOPICS.state.name, (records) => denialsOf("grant", grantsIn(records))),
    auditPublisher: publisher(TOPICS.audit.name, async (records) =>
      records.flatMap(({ headers }) => firstTraceparent([headers?.get("ce_traceparent")]) ?? []),
    ),
    deliver: (deliver) => (notification, nowSeconds, signal) =>
      spanBelow(traces, POST, named(notification), async (span) => {
        const sent = span === undefined ? notification : { ...notification, traceparent: span.traceparent };
        const delivery = await deliver(sent, nowSeconds, signal);
        span?.set({ "countersign.notification_id": notification.id, ...told(delivery) });
        return delivery;
      }),
  };
}

const POST = { name: "POST", options: { kind: "client", attributes: { "http.request.method": "POST" } } } as const;

type Outcome = {
  readonly kind: string;
  readonly reason?: string;
  readonly request?: { readonly id: string };
  readonly grant?: { readonly id: string } | undefined;
};

function told({ kind, reason, request, grant }: Outcome): Attributes {
  return {
    "countersign.outcome": kind,
    ...(reason === undefined ? {} : { "countersign.reason": reason }),
    ...(request === undefined ? {} : { "countersign.request_id": request.id }),
    ...(grant === undefined ? {} : { "countersign.grant_id": grant.id }),
  };
}

async function noted<T extends { readonly kind: string }>(
  span: TraceSpan | undefined,
  running: Promise<T>,
): Promise<T> {
  const outcome = await running;
  span?.set({ "countersign.outcome": outcome.kind });
  return outcome;
}

function named(value: unknown): readonly string[] {
  const traceparent =
    typeof value === "object" && value !== null && "traceparent" in value ? value.traceparent : undefined;
  const found = firstTraceparent([traceparent]);
  return found === undefined ? [] : [found];
}

function grantsIn(records: readonly OutgoingRecord[]): readonly string[] {
  return records.flatMap(({ key, value }) => {
    const id = key.startsWith("grant/") ? key.slice("grant/".length) : "";
    return value !== null && isId("grant", id) ? [id] : [];
  });
}
