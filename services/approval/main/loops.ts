/**
 * Constructs and starts the loops: state relay, profile relay, sealer, audit relay, sweeper, webhook. Each runs in one process at a time, by an
 * advisory lock of its own, and ends with the signal; the end of the process waits for it.
 */
import { durationMs } from "../../../core/domain/time.ts";
import type { Signer, Verifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { systemClock } from "../../../platform/clock.ts";
import { readAuthorities } from "../../../platform/config/pem-files.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import type { Lifecycle } from "../../../platform/lifecycle/lifecycle.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership, type Leadership } from "../../../platform/postgres/leadership.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import type { EventStream } from "../../../platform/stream/port.ts";
import type { ApprovalConfig } from "../config.ts";
import { createDeliver } from "../notify/deliver.ts";
import { createWebhookKey } from "../notify/signature.ts";
import { createTargetCheck, resolveBySystem } from "../notify/target-address.ts";
import { createWebhook } from "../notify/webhook.ts";
import type { Ids } from "../ports.ts";
import { createAuditRelay } from "../publish/audit-relay.ts";
import { createProfileRelay } from "../publish/profile-relay.ts";
import { createSealer } from "../publish/sealer.ts";
import { createStateRelay } from "../publish/state-relay.ts";
import type { StateRows } from "../publish/state-source.ts";
import { relayRows, sealerRows } from "../store/audit-rows.ts";
import { databaseNow } from "../store/clock.ts";
import { dueNotifications } from "../store/due-notifications.ts";
import { publishedGrants } from "../store/published-grants.ts";
import { publishedIncidents } from "../store/published-incidents.ts";
import { deleteProfiles, dueProfiles, markProfilesPublished } from "../store/published-profiles.ts";
import { createSweeper } from "../sweeper.ts";
import type { Commands } from "./commands.ts";
import type { Tracing } from "./tracing.ts";

/** Whether notifications have a receiver. */
export function notifies({ webhook }: Pick<ApprovalConfig, "webhook">): boolean {
  return webhook?.secret !== undefined;
}

export async function startLoops(
  {
    database,
    stream,
    signer,
    verifier,
    commands,
    ids,
    tracing,
    lifecycle,
    log,
    metrics,
  }: {
    readonly database: Database;
    readonly stream: EventStream;
    readonly signer: Signer;
    /** Knows this service's own keys, the previous ones included. */
    readonly verifier: Verifier;
    readonly commands: Commands;
    readonly ids: Ids;
    readonly tracing: Tracing;
    readonly lifecycle: Lifecycle;
    readonly log: Log;
    readonly metrics: Metrics;
  },
  { deployment, webhook, profiles }: Pick<ApprovalConfig, "deployment" | "webhook" | "profiles">,
): Promise<void> {
  const leaderships = new Map<string, Leadership>();
  metrics.gauge("leading", "1 when this process runs the loop, 0 when another one does", ["loop"], (gauge) => {
    for (const [name, one] of leaderships) gauge.set({ loop: name }, one.leading ? 1 : 0);
  });

  const rows: StateRows = {
    databaseTime: databaseNow,
    kinds: [publishedGrants({ ids, deployment, traceparent: tracing.traces?.here }), publishedIncidents()],
  };
  const loops = [
    createStateRelay(
      {
        ...loop("state-relay", "countersign_grants"),
        ...{ rows, stream: tracing.statePublisher(stream), signer, verifier, log, metrics },
      },
      { deployment, topic: TOPICS.state.name },
    ),
    createProfileRelay(
      {
        rows: { due: dueProfiles, markPublished: markProfilesPublished, remove: deleteProfiles },
        ...{ leadership: leadership("profile-relay"), stream, signer, log, metrics },
      },
      // NB: runs also while profiles are off: what was kept before is removed from the topic.
      {
        deployment,
        topic: TOPICS.state.name,
        interval: durationMs(profiles.enabled ? profiles.publishEveryMinutes * 60_000 : 0),
        keepDays: profiles.keepDays,
      },
    ),
    createSealer({ rows: sealerRows, ...loop("sealer", "countersign_outbox"), metrics }),
    createAuditRelay(
      {
        rows: relayRows,
        ...loop("audit-relay", "countersign_audit"),
        stream: tracing.auditPublisher(stream),
        log,
        metrics,
      },
      { topic: TOPICS.audit.name },
    ),
    createSweeper({
      ...{ leadership: leadership("sweeper"), sweep: commands.sweep, log },
      monotonicMs: systemClock.monotonicMs,
    }),
    await createNotifier(),
  ];
  for (const one of loops) {
    if (one !== undefined) keepRunning(one.run(lifecycle.signal));
  }

  function leadership(name: string) {
    const one = createLeadership({ database, log }, { lockName: `countersign.${name}` });
    leaderships.set(name, one);
    return one;
  }

  function loop(name: string, channel: string) {
    return { leadership: leadership(name), wakeup: lifecycle.own(createWakeup({ database, log }, { channel })) };
  }

  function keepRunning(running: Promise<void>): void {
    running.catch((error: unknown) => lifecycle.stop(error));
    lifecycle.own({ [Symbol.asyncDispose]: () => running.catch(() => {}) });
  }

  async function createNotifier() {
    if (webhook?.secret === undefined) return undefined;
    const { caPath } = webhook;
    const ca =
      caPath === undefined
        ? {}
        : { ca: await fromFiles("webhook.caPath", "an authority (PEM)", () => readAuthorities(caPath)) };
    const checkTarget = createTargetCheck({ resolve: resolveBySystem }, webhook.allowedRanges);
    const deliver = createDeliver(
      { checkTarget, key: createWebhookKey(webhook.secret) },
      { url: new URL(webhook.url), ...ca },
    );
    const traced = tracing.deliver(deliver);
    return createWebhook({
      ...{ rows: dueNotifications, ...loop("webhook", "countersign_notifications") },
      ...{ deliver: traced, log, metrics },
    });
  }
}
