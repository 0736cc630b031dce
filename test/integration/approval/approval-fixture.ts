/**
 * The approval service's commands, wired as it wires them, over a database of their own and with two parts that are
 * fixed unless a test brings the real ones: who is who (by the e-mail claim) and who must agree (what the test says). Each
 * denial has an account of its own.
 */
import { randomUUID } from "node:crypto";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Elevation } from "../../../core/domain/elevation.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { type Digest, id } from "../../../core/domain/id.ts";
import type { Requirement } from "../../../core/domain/requirement.ts";
import type { Party, Subject } from "../../../core/domain/subject.ts";
import type { Routing } from "../../../core/domain/routing.ts";
import type { Asked } from "../../../core/domain/submit.ts";
import { durationMs, type Instant, instant } from "../../../core/domain/time.ts";
import { denialKey } from "../../../core/messages/record-keys.ts";
import { SAMPLE_ELEVATION } from "../../../core/messages/samples.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createDatabase } from "../../../platform/postgres/pool.ts";
import { createCommands } from "../../../services/approval/main/commands.ts";
import type { Ids, People, Permission, Router } from "../../../services/approval/ports.ts";
import { migrate } from "../../../services/approval/store/migrate.ts";
import { createStore } from "../../../services/approval/store/store.ts";
import { createTestDatabase } from "../../harness/postgres.ts";

const ISSUER = "https://issuer.example";
export const ids: Ids = { fresh: (kind) => id(kind, uuidv7()) };
const NO_PROFILES = { enabled: false, keepDays: 90, publishEveryMinutes: 60 };

/** The e-mail claim is the person, whatever issuer vouches for the account. */
export const people: People = { resolve: (subject) => Promise.resolve(partyOf(subject)) };

function partyOf(subject: Subject): Party {
  const email = subject.claims["email"];
  const person = typeof email === "string" ? { realm: "corp", id: email } : undefined;
  return { subject, person, actorPersons: [], machine: false };
}

export function account(name: string, groups: readonly string[] = [], issuer = ISSUER): Subject {
  return { issuer, id: name, groups, claims: { email: `${name}@example.org` }, actors: [] };
}

/** Of the policy that routes and permits, which is not the one that denied. */
export const REVISION = "sha256:2e0d";

export const ONE_MANAGER = askPeople(oneOf("managers"));
export const TWO_MANAGERS = askPeople({ kind: "n_of", n: 2, of: [oneOf("managers"), oneOf("managers")] });

type ToPeople = Extract<Routing, { readonly kind: "people" }>;

export function askPeople(requirement: Requirement, more: Partial<ToPeople> = {}): ToPeople {
  const nothingElse = { limits: undefined, notify: [], escalation: undefined };
  return { kind: "people", requirement, expiresIn: durationMs(3_600_000), ...nothingElse, ...more };
}

export function oneOf(group: string): Requirement {
  return { kind: "one_from", set: { kind: "group", realm: "corp", group } };
}

export const SCOPED: Elevation = { ...SAMPLE_ELEVATION, binding: "scope", bindHeaders: [], maxUses: 5 };

/** A denial on scope for a requester, minted now. */
export function denialFor(subject: Subject, now: Instant, more: Partial<Denial> = {}): Denial {
  const offers: Denial["offers"] = more.offers ?? [
    { elevation: SCOPED, binding: { kind: "unbindable", reason: "body_not_bindable" } },
  ];
  const policyRevision = "sha256:1f0e";
  const justification = more.justification;
  return {
    id: ids.fresh("denial"),
    key: denialKey({ issuer: subject.issuer, subject: subject.id, policyRevision, offers, justification }),
    decisionId: ids.fresh("decision"),
    mintedAt: now,
    expiresAt: instant(now + 900_000),
    subject,
    call: {
      protocol: "http",
      method: "POST",
      authority: "orders.example",
      path: "/refunds",
      maskedQuery: "",
      bodyBytes: undefined,
      fieldHashes: {},
      sourceAddress: undefined,
    },
    offers,
    policyRevision,
    traceparent: undefined,
    ...more,
    justification,
  };
}

export const ASKED: Asked = {
  entitlement: undefined,
  scope: undefined,
  justification: "the customer was charged twice",
  maxUses: undefined,
  duration: undefined,
  notBefore: undefined,
};

/** What a test puts in place of the fixed parts. */
export type ApprovalParts = {
  readonly people: People;
  readonly policy: Router & Permission;
  /** Given the database's own address, where the service finds it: a proxy, or nothing at all. */
  readonly connection: (own: string) => string;
};

export async function createApproval(routing: () => Routing = () => ONE_MANAGER, parts: Partial<ApprovalParts> = {}) {
  const who = parts.people ?? people;
  const policy: Router & Permission = parts.policy ?? {
    route: () => Promise.resolve({ ...routing(), revision: REVISION }),
    mayReview: () => Promise.resolve({ kind: "allowed", revision: REVISION }),
  };
  const scratch = await createTestDatabase({
    name: "approval",
    prepare: async (connection) => {
      await migrate(connection);
    },
  });
  const database = createDatabase(
    { log: createLog({ name: "test", level: "silent" }) },
    {
      connection: parts.connection?.(scratch.connectionString) ?? scratch.connectionString,
      applicationName: "test",
      maxConnections: 16,
      connectTimeoutMs: 30_000,
    },
  );
  const store = createStore({ database, ids }, { deployment: "test" });
  // No loop runs here that a use could wake.
  const commands = createCommands({ store, people: who, policy, ids, bell: { ring() {} } }, { profiles: NO_PROFILES });
  const { submit, review } = commands;

  /** Stores a denial of a new account. */
  async function deny(subject: Subject = account(randomUUID()), more: Partial<Denial> = {}): Promise<Denial> {
    const denial = denialFor(subject, await store.reads.now(), more);
    const { person } = await who.resolve(subject);
    await store.transaction("denial", (tx) => tx.denials.insert(denial, person));
    return denial;
  }

  /** A pending request of a new account. */
  async function ask(subject: Subject = account(randomUUID())) {
    const denial = await deny(subject);
    const outcome = await submit({ denialId: denial.id, by: subject, asked: ASKED, automatic: false });
    if (outcome.kind !== "submitted") throw new Error(`not submitted: ${JSON.stringify(outcome)}`);
    return outcome.request;
  }

  /** Any grant, beneath a request of its own. */
  async function grant(more: Partial<Grant> = {}): Promise<Grant> {
    const request = await ask();
    const now = await store.reads.now();
    const made: Grant = {
      id: ids.fresh("grant"),
      version: 1,
      requestId: request.id,
      denialId: request.denialId,
      person: request.requester.person,
      issuer: request.requester.issuer,
      subject: request.requester.subject,
      actors: request.requester.actors,
      entitlement: SCOPED.entitlement,
      scope: SCOPED.scope,
      binding: { kind: "scope" },
      state: "active",
      uses: 0,
      maxUses: 1,
      notBefore: instant(now - 1_000),
      expiresAt: instant(now + 600_000),
      ...more,
    };
    await store.transaction("submit", (tx) => tx.grants.insert(made));
    return made;
  }

  return {
    database,
    store,
    people: who,
    commands,
    submit,
    review,
    deny,
    ask,
    grant,
    approveBy: (request: { id: Parameters<typeof review>[0]["requestId"]; digest: Digest }, reviewer: Subject) =>
      review({
        requestId: request.id,
        reviewer,
        vote: "approve",
        narrowing: undefined,
        comment: undefined,
        digest: request.digest,
      }),
    async outboxTypes(): Promise<readonly string[]> {
      const { rows } = await database.query<{ type: string }>(
        "select event ->> 'type' as type from outbox order by id",
      );
      return rows.map((row) => row.type);
    },
    async close() {
      await database.close();
      await scratch.drop();
    },
  };
}

export type Approval = Awaited<ReturnType<typeof createApproval>>;
