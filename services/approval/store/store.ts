/**
 * The approval service's database as its ports: every method is one statement function of this folder, bound to the pool
 * or to the transaction at hand. Nothing is decided here.
 */
import type { Database, Queryable } from "../../../platform/postgres/pool.ts";
import type { Reads, Redemption, Transaction, Transactions } from "../ports.ts";
import type { IdempotencyKeys, Listings } from "../rest/ports.ts";
import { readAuditPage } from "./audit-page.ts";
import { databaseNow } from "./clock.ts";
import { appendDecisions, lockDecisionLog, saveDecisionLog } from "./decision-logs.ts";
import { closeDecisionGap, decisionGaps, recordDecisionGap } from "./decision-log-gaps.ts";
import { deleteLapsedDenials, findDenial, insertDenial, listDenials } from "./denials.ts";
import {
  findGrant,
  findGrantOfRequest,
  insertGrant,
  listGrants,
  liveGrants,
  lockExpiredGrants,
  lockGrant,
  saveGrant,
} from "./grants.ts";
import { forgetKeys, holdKey, keepAnswer, releaseKey } from "./idempotency-keys.ts";
import {
  countOpenIncidents,
  findIncident,
  insertIncident,
  listIncidents,
  lockIncident,
  saveIncident,
} from "./incidents.ts";
import { appendNotification } from "./notifications.ts";
import { appendToOutbox, type EventSource } from "./outbox.ts";
import {
  dismissQuarantined,
  findQuarantined,
  forgetQuarantined,
  insertQuarantined,
  listQuarantined,
  noteTry,
} from "./quarantine.ts";
import { redeemGrant } from "./redeem-grant.ts";
import {
  findOpenRequest,
  findRequest,
  findRequestOfDenial,
  insertRequest,
  insertReview,
  listRequests,
  lockEscalatingRequests,
  lockExpiredRequests,
  lockRequest,
  lockRequestKey,
  saveRequest,
} from "./requests.ts";
import { settleOrigin } from "./settle.ts";
import { boundNetworks, countSightings, forgetSightings, newSightings, touchProfiles } from "./sightings.ts";
import { sayingUnavailable } from "./unavailable.ts";

export type Store = Transactions &
  Redemption & { readonly reads: Reads; readonly listings: Listings; readonly idempotencyKeys: IdempotencyKeys };

export function createStore(
  {
    database: pool,
    ids,
    traceparent,
  }: { readonly database: Pick<Database, "query" | "transaction"> } & Pick<EventSource, "ids" | "traceparent">,
  { deployment }: { readonly deployment: string },
): Store {
  const database = sayingUnavailable(pool);
  const source: EventSource = { ids, deployment, traceparent };
  return {
    transaction: (work, settle) =>
      database.transaction(async (tx) => {
        const bound = transactionOn(tx, source);
        const outcome = await work(bound);
        await settle?.(bound, outcome);
        return outcome;
      }),
    redeem: (claim) => redeemGrant(database, claim, source),
    reads: {
      now: () => databaseNow(database),
      denial: (denialId) => findDenial(database, denialId),
      request: (requestId) => findRequest(database, requestId),
      grant: (grantId) => findGrant(database, grantId),
      grantOfRequest: (requestId) => findGrantOfRequest(database, requestId),
      openRequest: (key) => findOpenRequest(database, key),
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

function transactionOn(tx: Queryable, events: EventSource): Transaction {
  return {
    now: () => databaseNow(tx),
    denials: {
      insert: (denial, person) => insertDenial(tx, denial, person),
      deleteLapsed: (before, limit) => deleteLapsedDenials(tx, before, limit),
    },
    requests: {
      lockKey: (key) => lockRequestKey(tx, key),
      findOpen: (key) => findOpenRequest(tx, key),
      findOfDenial: (denialId) => findRequestOfDenial(tx, denialId),
      find: (requestId) => findRequest(tx, requestId),
      lock: (requestId) => lockRequest(tx, requestId),
      lockExpired: (limit) => lockExpiredRequests(tx, limit),
      lockEscalating: (limit) => lockEscalatingRequests(tx, limit),
      insert: (request) => insertRequest(tx, request),
      save: (request) => saveRequest(tx, request),
    },
    reviews: { insert: (requestId, review) => insertReview(tx, requestId, review) },
    grants: {
      insert: (grant) => insertGrant(tx, grant),
      lock: (grantId) => lockGrant(tx, grantId),
      lockExpired: (limit) => lockExpiredGrants(tx, limit),
      save: (grant) => saveGrant(tx, grant),
      liveFor: (issuer, subject) => liveGrants(tx, issuer, subject),
    },
    incidents: {
      countOpen: () => countOpenIncidents(tx),
      insert: (incident) => insertIncident(tx, incident),
      lock: (incidentId) => lockIncident(tx, incidentId),
      save: (incident) => saveIncident(tx, incident),
    },
    profiles: {
      newSightings: (sightings) => newSightings(tx, sightings),
      touch: (sightings) => touchProfiles(tx, sightings),
      count: (sightings) => countSightings(tx, sightings),
      boundNetworks: (sightings) => boundNetworks(tx, sightings),
      forget: (before, limit) => forgetSightings(tx, before, limit),
    },
    answers: {
      keep: (held, answer) => keepAnswer(tx, held, answer),
      forget: (limit) => forgetKeys(tx, limit),
    },
    outbox: { append: (domainEvents) => appendToOutbox(tx, domainEvents, events) },
    notifications: { append: (notification) => appendNotification(tx, notification, events) },
    settle: (origin) => settleOrigin(tx, origin, events),
    quarantine: {
      insert: (quarantineId, record) => insertQuarantined(tx, quarantineId, record),
      noteTry: (quarantineId, reason, detail) => noteTry(tx, quarantineId, reason, detail),
      dismiss: (quarantineId, reason) => dismissQuarantined(tx, quarantineId, reason),
      find: (quarantineId) => findQuarantined(tx, quarantineId),
      forget: (before, limit) => forgetQuarantined(tx, before, limit),
    },
    decisionLogs: {
      lock: (logId) => lockDecisionLog(tx, logId),
      save: (state) => saveDecisionLog(tx, state),
      recordGap: (logId, gap) => recordDecisionGap(tx, logId, gap),
      gaps: (logId, from, before) => decisionGaps(tx, logId, from, before),
      closeGap: (logId, from) => closeDecisionGap(tx, logId, from),
      append: (entries) => appendDecisions(tx, entries, events.deployment),
    },
  };
}
