/**
 * The REST server of the approval service over a real database, with the committed bundle as policy, real tokens of two
 * issuers of one realm (and what no honest issuer makes), and the mapping from accounts to people that production uses.
 * Tokens are made at a fixed time, which is also what the server takes for now; all else goes by the database clock.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Denial } from "../../../core/domain/denial.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createIdentify } from "../../../core/identity/identify.ts";
import { createPartyMapper } from "../../../core/identity/party.ts";
import * as sample from "../../samples/tokens.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createReadAgain, type ReadRecord } from "../../../services/approval/intake/quarantine.ts";
import { createApprovalPolicy } from "../../../services/approval/policy/approval-policy.ts";
import type { People } from "../../../services/approval/ports.ts";
import type { RateLimits } from "../../../services/approval/rest/rate-limit.ts";
import { createRest, type RestDeps } from "../../../services/approval/rest/server.ts";
import type { Patience } from "../../../platform/one-at-a-time.ts";
import { type Approval, type ApprovalParts, createApproval, ids, SCOPED } from "./approval-fixture.ts";
import { type Answer, textAt } from "./rest-answer.ts";
import { requireDocumented } from "./rest-document.ts";

const FIRST = sample.ISSUER;
export const SECOND = "https://second.example.com";
const ROOT = join(import.meta.dirname, "..", "..", "..");
const silent = createLog({ name: "test", level: "error" });

const issuers = sample.issuersOf(
  ...[FIRST, SECOND].map((issuer) => ({
    issuer,
    audience: ["approvals"],
    algorithms: ["EdDSA"],
    person: { realm: "corp", claim: "email", ignore_case: true },
    machine: { claim: "kind", value: "machine" },
  })),
);
const keySet = sample.keySetOf(sample.jwksOf({ ed25519: sample.keys.ed25519 }));
const { identify } = createIdentify({
  issuers,
  keySets: { current: () => keySet, requestRefresh: () => {} },
});

const PLENTY = { burst: 1_000_000, perMinute: 1_000_000 };
const NO_LIMITS: RateLimits = { reads: PLENTY, writes: PLENTY };

export type Claims = Readonly<Record<string, unknown>>;

/** A token of `name`, whose person is the e-mail address of that name. */
export function tokenOf(name: string, groups: readonly string[] = [], more: Claims = {}): string {
  return sample.token(sample.claims({ aud: "approvals", sub: name, email: `${name}@example.org`, groups, ...more }));
}

/** The account that a token speaks of, as every service sees it. */
async function subjectOf(token: string): Promise<Subject> {
  const caller = identify({ authorization: [`Bearer ${token}`] }, sample.NOW);
  if (caller.kind !== "subject") throw new Error(`no subject: ${JSON.stringify(caller)}`);
  return caller.subject;
}

type Call = {
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type RestParts = Partial<Pick<ApprovalParts, "connection" | "policy">> & {
  /** What a replay reads with; nothing unless given. */
  readonly readersOf?: (approval: Approval) => ReadonlyMap<string, ReadRecord>;
  readonly limits?: RateLimits;
  readonly patience?: Patience;
  /** Not offered unless given. */
  readonly accessRequests?: RestDeps["accessRequests"];
};

export async function createRestApproval(given: RestParts = {}) {
  const { readersOf, limits = NO_LIMITS, patience, accessRequests, ...parts } = given;
  const partyOf = createPartyMapper(issuers);
  const people: People = { resolve: (subject) => Promise.resolve(partyOf(subject)) };
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "corp" },
  );
  const activation = await host.activate(await loadBundle(join(ROOT, "rego", "bundle")));
  if (activation.kind === "refused") throw new Error(`the bundle is refused: ${activation.detail}`);
  const policy = createApprovalPolicy({ host, wallMs: () => sample.NOW, log: silent });
  const approval = await createApproval(undefined, { people, policy, ...parts });
  const { store, commands } = approval;
  const { submit, review, cancel, revoke, openIncident, closeIncident, dismiss } = commands;
  const readAgain = createReadAgain(readersOf?.(approval) ?? new Map());
  const deps: RestDeps = {
    identify: (authorization) => identify({ authorization }, sample.NOW),
    people,
    isSecurity: ({ issuer, groups }) => issuer === FIRST && groups.includes("security"),
    submit,
    review,
    cancel,
    revoke,
    openIncident,
    closeIncident,
    dismiss,
    replay: commands.replayWith(readAgain),
    reads: store.reads,
    listings: store.listings,
    log: silent,
    metrics: createMetrics({ prefix: "rest_test_" }),
    idempotencyKeys: store.idempotencyKeys,
    accessRequests,
    newRequestId: uuidv7,
    monotonicMs: () => performance.now(),
  };
  const options = { tls: undefined, limits, ...(patience === undefined ? {} : { patience }) };
  const app = await createRest(deps, options);
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  await app.ready();

  async function call(
    method: "GET" | "POST" | "DELETE",
    url: string,
    { token, body, headers = {} }: Call = {},
  ): Promise<Answer> {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const answer = await fetch(`${origin}${url}`, {
      method,
      headers: { ...json, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const parsed: unknown = text === "" ? undefined : JSON.parse(text);
    const given = { status: answer.status, headers: Object.fromEntries(answer.headers), body: parsed };
    requireDocumented(app, method, url, given);
    return given;
  }

  /** A stored denial of the account that the token speaks of. */
  const denyTo = async (token: string, more: Partial<Denial> = {}) => approval.deny(await subjectOf(token), more);

  /** A pending request of that account, on a scope of its own: two of one account are two. */
  async function askAs(token: string, elevation: Partial<typeof SCOPED> = {}): Promise<{ id: string; digest: string }> {
    const denial = await denyTo(token, offering({ scope: `order/${randomUUID()}`, ...elevation }));
    const answer = await call("POST", "/v1/requests", {
      token,
      body: { denial_id: denial.id, justification: "the customer was charged twice" },
    });
    return { id: textAt(answer, "request.id"), digest: textAt(answer, "request.digest") };
  }

  let offset = 0n;

  /** A record of the topic of denials in quarantine, with nothing in it; says under which id. */
  async function setAside(): Promise<string> {
    const quarantineId = ids.fresh("quarantine");
    const record = { topic: TOPICS.denials.name, partition: 0, offset: offset++, key: "k", value: null };
    const whole = { ...record, headers: new Map(), reason: "signature_invalid", detail: "signature_invalid" };
    await store.transaction("quarantine", (tx) => tx.quarantine.insert(quarantineId, whole));
    return quarantineId;
  }

  const vote = (token: string, request: { id: string; digest: string }, body: Claims = {}) =>
    call("POST", `/v1/requests/${request.id}/reviews`, {
      token,
      body: { vote: "approve", digest: request.digest, ...body },
    });

  return {
    ...approval,
    deps,
    options,
    /** For a second interface in this process: one registry holds each metric once. */
    freshMetrics: () => createMetrics({ prefix: "rest_test_" }),
    app,
    origin,
    call,
    denyTo,
    askAs,
    setAside,
    vote,
    async close() {
      await app.close();
      await approval.close();
    },
  };
}

/** What a denial offers: one elevation on scope, with these changes. */
export function offering(...changes: readonly Partial<typeof SCOPED>[]): Pick<Denial, "offers"> {
  const [first = {}, ...rest] = changes;
  const offer = (change: Partial<typeof SCOPED>) => ({
    elevation: { ...SCOPED, ...change },
    binding: { kind: "unbindable", reason: "body_not_bindable" } as const,
  });
  return { offers: [offer(first), ...rest.map(offer)] };
}

export type RestApproval = Awaited<ReturnType<typeof createRestApproval>>;
