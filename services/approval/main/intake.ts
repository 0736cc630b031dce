/** Constructs intake: a reader and a consumer for each topic of the decision services. */
import type { Verifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { Lifecycle } from "../../../platform/lifecycle/lifecycle.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import type { EventStream, Subscription } from "../../../platform/stream/port.ts";
import { createConsumer, type StoredOffsets } from "../intake/consumer.ts";
import { createDecisionReader } from "../intake/decisions.ts";
import { createDenialReader } from "../intake/denials.ts";
import { createIntakeEvents } from "../intake/events.ts";
import { exposeLag } from "../intake/lag.ts";
import { createReadAgain, withQuarantine } from "../intake/quarantine.ts";
import { advanceOffset, knownOffset, storedOffset } from "../store/offsets.ts";
import type { Commands } from "./commands.ts";

/** NB: call before the stream is owned: consumers release their partitions after it is closed. */
export function createIntake(
  {
    database,
    commands,
    verifier,
    lifecycle,
    log,
    metrics,
  }: {
    readonly database: Pick<Database, "openSession" | "query">;
    readonly commands: Pick<Commands, "acceptDenial" | "recordDecisions" | "quarantine" | "replayWith">;
    /** Knows the decision services' keys. */
    readonly verifier: Verifier;
    readonly lifecycle: Pick<Lifecycle, "own">;
    readonly log: Log;
    readonly metrics: Metrics;
  },
  { deployment }: { readonly deployment: string },
) {
  const events = createIntakeEvents({ metrics, log });
  const readers = new Map([
    [TOPICS.denials.name, createDenialReader({ verifier, accept: commands.acceptDenial }, { deployment })],
    [TOPICS.decisions.name, createDecisionReader({ verifier, record: commands.recordDecisions }, { deployment })],
  ]);
  const offsets: StoredOffsets = {
    stored: (topic, partition, initial) => storedOffset(database, topic, partition, initial),
    advance: (position) => advanceOffset(database, position),
  };
  const subscriptions: readonly Subscription[] = [...readers].map(([topic, read]) => {
    const take = withQuarantine(read, { quarantine: commands.quarantine, events });
    return lifecycle.own(createConsumer({ database, offsets, take, events }, topic)).subscription;
  });
  return {
    replay: commands.replayWith(createReadAgain(readers)),
    /** Denials are read once a policy is active that says who must approve; decisions need none. Resolves then, or when the process ends. */
    async start(stream: Pick<EventStream, "subscribe" | "endOffsets">, untilActive: Promise<void>): Promise<void> {
      const stored = (topic: string, partition: number) => knownOffset(database, topic, partition);
      exposeLag({ metrics, stream, stored }, [...readers.keys()]);
      const isRouted = ({ topic }: Subscription) => topic === TOPICS.denials.name;
      for (const subscription of subscriptions) if (!isRouted(subscription)) stream.subscribe(subscription);
      const isActive = await untilActive.then(
        () => true,
        () => false,
      );
      if (isActive) for (const subscription of subscriptions.filter(isRouted)) stream.subscribe(subscription);
    },
  };
}
