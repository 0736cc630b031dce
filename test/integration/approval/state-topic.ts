/**
 * The state topic between its two ends, on a broker in memory: the state relay over a database that the test brings, and decision services'
 * own readers. Dispose of it before the database.
 */
import { generateKeyPairSync } from "node:crypto";
import { id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createSigner, createVerifier, type Signer, type Verifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createMetrics, type Metrics } from "../../../platform/metrics/metrics.ts";
import { createLeadership } from "../../../platform/postgres/leadership.ts";
import type { Database } from "../../../platform/postgres/pool.ts";
import { createWakeup } from "../../../platform/postgres/wakeup.ts";
import type { Ids } from "../../../services/approval/ports.ts";
import { createStateRelay } from "../../../services/approval/publish/state-relay.ts";
import type { StateKind } from "../../../services/approval/publish/state-source.ts";
import { databaseNow } from "../../../services/approval/store/clock.ts";
import { publishedGrants } from "../../../services/approval/store/published-grants.ts";
import { publishedIncidents } from "../../../services/approval/store/published-incidents.ts";
import { createGrantsView, type GrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createStateReader } from "../../../services/decision/grants/state-reader.ts";
import type { ProfileView } from "../../../services/decision/profiles/profile-view.ts";
import { createMemoryBroker, type MemoryBroker } from "../../harness/memory-stream.ts";
import { DEPLOYMENT, silent as log } from "./migrated-database.ts";

export const TOPIC = TOPICS.state.name;

/** A new key under this id. */
export function makeKey(kid: string): { readonly signer: Signer; readonly publicPem: string } {
  const keys = generateKeyPairSync("ed25519");
  return {
    signer: createSigner(kid, String(keys.privateKey.export({ type: "pkcs8", format: "pem" }))),
    publicPem: String(keys.publicKey.export({ type: "spki", format: "pem" })),
  };
}

const ours = makeKey("approval-1");
export const { signer } = ours;
export const verifier: Verifier = createVerifier(new Map([[signer.kid, ours.publicPem]]));
/** What a relay signs with, and whose records it takes for its own. */
type RelayKeys = { readonly signer: Signer; readonly verifier: Verifier };

const ids: Ids = { fresh: (kind) => id(kind, uuidv7()) };
const everyKind = [publishedGrants({ ids, deployment: DEPLOYMENT }), publishedIncidents()];
const clocks = () => ({ wall: instant(Date.now()), monoMs: performance.now() });

export interface StateTopic extends AsyncDisposable {
  readonly broker: MemoryBroker;
  /** Starts a relay. The answer kills it: its lock goes with its session. */
  startRelay(options?: {
    readonly kinds?: readonly StateKind[];
    readonly metrics?: Metrics;
    readonly keys?: RelayKeys;
  }): () => Promise<void>;
  /** A decision service that starts now. */
  startReader(options?: { readonly profiles?: ProfileView | undefined; readonly trusts?: Verifier }): {
    readonly view: GrantsView;
    readonly isFresh: () => boolean;
  };
  /** What else is to end before the broker; the last first. */
  defer(end: () => Promise<unknown>): void;
}

export function openStateTopic(database: Database): StateTopic {
  const broker = createMemoryBroker();
  const owned = new AsyncDisposableStack();
  return {
    broker,
    startRelay({ kinds = everyKind, metrics = createMetrics({ prefix: "t_" }), keys = { signer, verifier } } = {}) {
      const stop = new AbortController();
      const stream = broker.createStream();
      const wakeup = createWakeup({ database, log }, { channel: "countersign_grants", pollMs: 30 });
      const leadership = createLeadership({ database, log }, { lockName: "state relay" });
      const running = createStateRelay(
        { rows: { databaseTime: databaseNow, kinds }, leadership, wakeup, stream, ...keys, log, metrics },
        { deployment: DEPLOYMENT, topic: TOPIC, batchSize: 3 }, // so that a few rows are several batches
      ).run(stop.signal);
      let stopped: Promise<void> | undefined;
      const halt = () =>
        (stopped ??= (async () => {
          stop.abort();
          await running;
          await wakeup.close();
          await stream.close();
        })());
      owned.defer(halt);
      return halt;
    },
    startReader({ profiles, trusts = verifier } = {}) {
      const stop = new AbortController();
      const stream = broker.createStream();
      const view = createGrantsView();
      const metrics = createMetrics({ prefix: "t_" });
      createStateReader(
        { stream, verifier: trusts, view, profiles, readClocks: clocks, log, metrics },
        { deployment: DEPLOYMENT, readyWithinMs: 10_000 },
      ).start(stop.signal);
      owned.defer(async () => {
        stop.abort();
        await stream.close();
      });
      return { view, isFresh: () => view.freshness(clocks()).kind === "fresh" };
    },
    defer: (end) => owned.defer(async () => void (await end())),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
