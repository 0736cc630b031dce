/**
 * The approval service's database behind its ports: every method is a statement function of this folder, bound to the pool or to the current
 * transaction, or two or three of them in order. Each function is one statement (`npm run check -- "one statement"`).
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { Database, Queryable } from "../../../platform/postgres/pool.ts";
import type { Reads, Redemption, Transaction, Transactions } from "../ports.ts";
import type { IdempotencyKeys, Listings } from "../rest/ports.ts";
import { readAuditPage } from "./audit-page.ts";
import { databaseNow } from "./clock.ts";
import {
  approvalsOf,
  keepDecisions,
  keptHashes,
  lockDecisionLog,
  lockNewDecisionLog,
  queueRepublication,
  saveDecisionLog,
  tellDecisions,
} from "./decision-logs.ts";
import { closeDecisionGap, decisionGaps, recordDecisionGap } from "./decision-log-gaps.ts";
import { actOn, deleteLapsedDenials, findDenial, insertDenial, isActedOn, listDenials } from "./denials.ts";
import {
  findGrant,
  findGrantOfRequest,
  insertGrant,
  listGrants,
  lockExpiredGrants,
  lockGrant,
  openGrants,
  saveGrant,
} from "./grants.ts";
import { forgetKeys, holdKey, keepAnswer, releaseKey } from "./idempotency-keys.ts";
import {
  countOpenIncidents,
  findIncident,
  insertIncident,
  listIncidents,
  lockIncident,
  lockOpening,
  saveIncident,
} from "./incidents.ts";
import { appendNotification, forgetNotifications } from "./notifications.ts";
import { advanceOffset } from "./offsets.ts";
import { appendToOutbox, type EventSource } from "./outbox.ts";
import {
  dismissQuarantined,
  findQuarantined,
  forgetQuarantined,
  insertQuarantined,
  listQuarantined,
  markReplayed,
  noteTry,
} from "./quarantine.ts";
import { createRedemption } from "./redeem-together.ts";
import {
  findOpenRequest,
  findRequest,
  findRequestOfDenial,
  findRequests,
  insertRequest,
  insertReview,
  listRequests,
  lockEscalatingRequests,
  lockExpiredRequests,
  lockRequest,
  lockRequestKey,
  saveRequest,
} from "./requests.ts";
import { boundTraits, countTraits, forgetTraits, newTraits, touchProfiles } from "./traits.ts";
import { sayingUnavailable } from "./unavailable.ts";

export type Store = Transactions &
  Redemption & { readonly reads: Reads; readonly listings: Listings; readonly idempotencyKeys: IdempotencyKeys };

/** `notifies`: whether notifications have a receiver. Without one they are not written: they would wait for ever. */
export function createStore(
  {
    database: pool,
    ids,
    traceparent,
  }: { readonly database: Pick<Database, "query" | "transaction"> } & Pick<EventSource, "ids" | "traceparent">,
  { deployment, notifies = true }: { readonly deployment: string; readonly notifies?: boolean },
): Store {
  const database = sayingUnavailable(pool);
  const source: EventSource = { ids, deployment, traceparent };
  return {
    transaction: (name, work, settle) =>
      database.transaction(name, async (tx) => {
        const bound = transactionOn(tx, source, notifies);
        const outcome = await work(bound);
        await settle?.(bound, outcome);
        return outcome;
      }),
    ...createRedemption(database, source),
    reads: {
      now: () => databaseNow(database),
      denial: (denialId) => findDenial(database, denialId),
      isActedOn: (denialId) => isActedOn(database, denialId),
      request: (requestId) => findRequest(database, requestId),
      grant: (grantId) => findGrant(database, grantId),
      grantOfRequest: (requestId) => findGrantOfRequest(database, requestId),
      incident: (incidentId) => findIncident(database, incidentId),
      quarantined: (quarantineId) => findQuarantined(database, quarantineId),
    },
    listings: {
      requests: (filter, page) => listRequests(database, filter, page),
      grants: (filter, page) => listGrants(database, filter, page),
      denials: (owner, page) => listDenials(database, owner, page),
      audit: (after, limit) => readAuditPage(database, after, limit),
      quarantine: (filter, page) => listQuarantined(database, filter, page),
      incidents: (filter, page) => listIncidents(database, filter, page),
    },
    idempotencyKeys: {
      hold: (key, fingerprint) => holdKey(database, key, fingerprint),
      keep: (key, answer) => keepAnswer(database, key, answer),
      release: (key) => releaseKey(database, key),
    },
  };
}

function transactionOn(tx: Queryable, events: EventSource, notifies: boolean): Transaction {
  return {
    now: () => databaseNow(tx),
    denials: {
      insert: (denial, person) => insertDenial(tx, denial, person),
      actOn: (denialId) => actOn(tx, denialId),
      deleteLapsed: (before, limit) => deleteLapsedDenials(tx, before, limit),
    },
    requests: {
      lockKey: (key) => lockRequestKey(tx, key),
      findOpen: (key) => findOpenRequest(tx, key),
      findOfDenial: (denialId) => findRequestOfDenial(tx, denialId),
      find: (requestId) => findRequest(tx, requestId),
      lock: async (requestId) => ((await lockRequest(tx, requestId)) ? findRequest(tx, requestId) : undefined),
      lockExpired: async (limit) => findRequests(tx, await lockExpiredRequests(tx, limit)),
      lockEscalating: async (limit) => findRequests(tx, await lockEscalatingRequests(tx, limit)),
      insert: (request) => insertRequest(tx, request),
      save: (request) => saveRequest(tx, request),
    },
    reviews: { insert: (requestId, review) => insertReview(tx, requestId, review) },
    grants: {
      insert: (grant) => insertGrant(tx, grant),
      lock: (grantId) => lockGrant(tx, grantId),
      lockExpired: (limit) => lockExpiredGrants(tx, limit),
      save: (grant) => saveGrant(tx, grant),
      openFor: (issuer, subject) => openGrants(tx, issuer, subject),
    },
    incidents: {
      countOpen: async () => {
        await lockOpening(tx);
        return countOpenIncidents(tx);
      },
      insert: (incident) => insertIncident(tx, incident),
      lock: (incidentId) => lockIncident(tx, incidentId),
      save: (incident) => saveIncident(tx, incident),
    },
    profiles: {
      newTraits: (traits) => newTraits(tx, traits),
      touch: (traits) => touchProfiles(tx, traits),
      count: (traits, keepDays) => countTraits(tx, traits, keepDays),
      bound: (traits) => boundTraits(tx, traits),
      forget: (before, limit) => forgetTraits(tx, before, limit),
    },
    answers: {
      keep: (held, answer) => keepAnswer(tx, held, answer),
      forget: (limit) => forgetKeys(tx, limit),
    },
    outbox: { append: (domainEvents) => appendToOutbox(tx, domainEvents, events) },
    notifications: {
      append: async (notification) => {
        if (notifies) await appendNotification(tx, notification, events);
      },
      forget: (before, limit) => forgetNotifications(tx, before, limit),
    },
    settle: async (origin) => {
      if ("topic" in origin) return advanceOffset(tx, origin);
      const isFirst = await markReplayed(tx, origin.quarantineId);
      if (!isFirst) throw new AppError("conflict", "the record was replayed before");
      return appendToOutbox(tx, [origin.told], events);
    },
    quarantine: {
      insert: (quarantineId, record) => insertQuarantined(tx, quarantineId, record),
      noteTry: (quarantineId, reason, detail) => noteTry(tx, quarantineId, reason, detail),
      dismiss: (quarantineId, reason) => dismissQuarantined(tx, quarantineId, reason),
      find: (quarantineId) => findQuarantined(tx, quarantineId),
      forget: (before, limit) => forgetQuarantined(tx, before, limit),
    },
    decisionLogs: {
      lock: async (logId) => {
        const known = await lockDecisionLog(tx, logId);
        if (known !== undefined) return known;
        await lockNewDecisionLog(tx, logId);
        return lockDecisionLog(tx, logId);
      },
      save: (state) => saveDecisionLog(tx, state),
      recordGap: (logId, gap) => recordDecisionGap(tx, logId, gap),
      gaps: (logId, from, before) => decisionGaps(tx, logId, from, before),
      keptHashes: (logId, from, before) => keptHashes(tx, logId, from, before),
      closeGap: (logId, from) => closeDecisionGap(tx, logId, from),
      append: async (entries) => {
        const told = tellDecisions(entries, await approvalsOf(tx, entries), events.deployment);
        await queueRepublication(tx, told);
        await keepDecisions(tx, told);
      },
    },
  };
}
