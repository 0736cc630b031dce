/**
 * AuthZEN over HTTP with the real callers, decision path, denials and view of grants in one process; the policy is a function of the
 * test, the stream is in memory, and the clock is the test's. What the service is as a process is tested beside this.
 */
import { generateKeyPairSync } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Verdict } from "../../../core/domain/decision.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { id } from "../../../core/domain/id.ts";
import type { Question } from "../../../core/domain/question.ts";
import { createStateView } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { createIdentify } from "../../../core/identity/identify.ts";
import * as sample from "../../samples/tokens.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { createSigner, publicJwk, type Signer } from "../../../core/messages/signing.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { createAsking } from "../../../services/decision/api/asking.ts";
import { createAskQuestion, createEvaluateAside } from "../../../services/decision/api/ask-question.ts";
import { createSharedPause } from "../../../platform/shared-pause.ts";
import { createApiCallers } from "../../../services/decision/api/callers.ts";
import { createAccessRequests } from "../../../services/decision/authzen/access-request.ts";
import { startAuthzenServer } from "../../../services/decision/authzen/server.ts";
import { createDenials } from "../../../services/decision/denials/publish.ts";
import { createEvaluate } from "../../../services/decision/evaluate.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import type { Candidates } from "../../../services/decision/authzen/ports.ts";
import type { Deadline, Evaluated, LogEntry, Redemption } from "../../../services/decision/ports.ts";
import { createMemoryBroker } from "../../harness/memory-stream.ts";
import { CLIENTS, denying, elevating, ENFORCED, ENFORCER, grantOfDana, question } from "./authzen-samples.ts";

export const PDP = "https://pdp.example";
export const ENDPOINT = "https://approvals.example/access/v1/requests";
export const REQUEST_URL = "https://approvals.example/v1/requests";

type AuthzenParts = {
  readonly tls?: ServerTls;
  readonly candidates?: Candidates;
  /** Between one request and its answer. */
  readonly budgetMs?: number | (() => number);
  readonly maxInFlight?: number;
  readonly burst?: number;
  /** Where access requests are submitted; null for nowhere. */
  readonly endpoint?: string | null;
};

type Sent = {
  readonly as?: string | null;
  readonly at?: string;
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer };
};
export type Reply = {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: unknown;
};

export type Authzen = Awaited<ReturnType<typeof startAuthzen>>;

/** `verdict` answers what the policy says of a question, and sees the question as policies do. */
export async function startAuthzen(parts: AuthzenParts = {}) {
  const clocks = { wall: instant(Date.now()), monoMs: 1_000 };
  const world: {
    verdict: (question: Question) => Verdict;
    redemption: Redemption;
    /** What binding tokens are signed with. */
    sign: Signer["sign"];
    readonly asked: Question[];
    /** What the decision log has told in place of what was decided. */
    instead: Evaluated | undefined;
  } = {
    verdict: () => denying,
    redemption: { kind: "granted", uses: 1 },
    sign: (bytes) => signer.sign(bytes),
    asked: [],
    instead: undefined,
  };
  const logged: LogEntry[] = [];
  const metrics = createMetrics({ prefix: "authzen_test_" });
  const log = createLog({ name: "test", level: "silent" });
  const broker = createMemoryBroker();
  const pair = generateKeyPairSync("ed25519");
  const signer = createSigner("pdp-1", pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  const view = createGrantsView();
  const readClocks = () => clocks;
  const versions = new Map<string, number>();
  const beat = () => {
    const set = createStateView<undefined>(stateRecordHash);
    for (const [key, version] of versions) set.apply({ key, version, value: undefined });
    view.heartbeat({ databaseTime: clocks.wall, setHash: setHashOf(set.sum()) }, { ...clocks });
  };
  beat();

  const faults = { report: (error: unknown) => void process.stderr.write(`fault: ${String(error)}\n`) };
  const denials = createDenials(
    {
      ...{ stream: broker.createStream(), signer, log, metrics },
      buckets: createTokenBuckets({ burst: parts.burst ?? 1_000_000, refillMs: 60_000 }),
      newDenialId: () => id("denial", uuidv7()),
      sourceAddress: () => undefined,
    },
    { deployment: "test" },
  );
  const issuers = sample.issuersOf({});
  const identity = createIdentify({
    issuers,
    keySets: {
      current: () => sample.keySetOf(sample.jwksOf({ ed25519: sample.keys.ed25519 })),
      requestRefresh: () => {},
    },
  });
  const evaluate = createEvaluate({
    identity: { identify: (credentials, { readClocks }) => identity.identify(credentials, readClocks().wall) },
    context: { gather: () => ({}) },
    policy: {
      decide({ evaluation: { question } }) {
        if (question === undefined) throw new Error("no question");
        world.asked.push(question);
        return { verdict: world.verdict(question), revision: "r1", fuelUsed: 1 };
      },
    },
    grants: view,
    redemption: { redeem: () => Promise.resolve(world.redemption) },
    ...{ denials, faults },
  });
  const pem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const accessRequests = createAccessRequests(
    { signer: { kid: signer.kid, sign: (bytes) => world.sign(bytes) }, newTokenId: uuidv7, faults },
    { issuer: PDP, endpoint: parts.endpoint ?? ENDPOINT, keys: () => [publicJwk(signer.kid, pem)] },
  );
  const deps = { evaluate, newDecisionId: () => id("decision", uuidv7()), readClocks, faults };
  const { budgetMs = 450 } = parts;
  const deadline = (leftMs: () => number): Deadline => ({
    leftMs,
    within: (shorter) => deadline(() => Math.min(leftMs(), shorter)),
  });
  const callers = createApiCallers({ identity, issuers, now: () => clocks.wall }, CLIENTS, { mostUnknown: 8 });
  const ask = createAskQuestion({
    ...deps,
    decisionLog: { append: async (entry) => (logged.push(entry), world.instead) },
    observe: () => {},
  });
  const server = await startAuthzenServer(
    {
      asking: createAsking({ ask, callers, underWay: createUnderWay() }),
      evaluateAside: createEvaluateAside(deps),
      callers,
      candidates: parts.candidates ?? { offered: () => false, list: () => ({ kind: "none" }) },
      newDeadline: () => deadline(typeof budgetMs === "number" ? () => budgetMs : budgetMs),
      newRequestId: uuidv7,
      pause: createSharedPause({ monotonicMs: () => performance.now() }),
      ...{ readClocks, faults, metrics, maxBatch: 10 },
      answers: {
        requestUrl: REQUEST_URL,
        grants: view,
        accessRequests: parts.endpoint === null ? undefined : accessRequests,
      },
    },
    {
      ...{ host: "127.0.0.1", port: 0, baseUrl: PDP, maxBodyBytes: 65_536, drainMs: 2_000 },
      ...{ maxInFlight: parts.maxInFlight ?? 64, tls: parts.tls },
    },
  );

  function send(method: "GET" | "POST", path: string, { as = ENFORCER, certificate }: Sent, body?: string) {
    const secure = parts.tls === undefined ? {} : { ...certificate, rejectUnauthorized: false };
    const options = {
      ...{ host: "127.0.0.1", port: server.port, method, path, ...secure },
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
      },
    };
    return new Promise<Reply>((resolve, reject) => {
      const sent = (parts.tls === undefined ? httpRequest : httpsRequest)(options, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const isJson = String(response.headers["content-type"]).startsWith("application/json");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: isJson ? JSON.parse(text) : text,
          });
        });
      });
      sent.on("error", reject);
      sent.end(body);
    });
  }

  const post = (body: unknown, { at = "/access/v1/evaluation", ...sent }: Sent = {}) =>
    send("POST", at, sent, JSON.stringify(body));

  return {
    ...{ clocks, world, logged, broker, signer, view, beat, pair },
    port: server.port,
    replaceCertificates: (tls: ServerTls) => server.replaceCertificates(tls),
    origin: `${parts.tls === undefined ? "http" : "https"}://127.0.0.1:${server.port}`,
    get: (path: string, as: string | null = null) => send("GET", path, { as }),
    post,
    /** Whatever is asked is elevated, and a use is granted. */
    elevateAll() {
      world.verdict = () => elevating();
      world.redemption = { kind: "granted", uses: 1 };
    },
    /** An evaluation that dana's deletion of a file is, enforced, with these changes. */
    enforced: (changes: object = {}) => post(question({ ...ENFORCED, ...changes })),
    /** What was published, read as the approval service does. */
    published: () =>
      broker.records(TOPICS.denials.name).map(({ value }) => {
        const read = readDenial(value ?? Buffer.alloc(0));
        if (read.kind !== "parsed") throw new Error(read.detail);
        return read.value;
      }),
    /** A live grant for dana, as the state topic would tell it. */
    give(changes: Partial<Grant> = {}): Grant {
      const grant: Grant = { ...grantOfDana(clocks.wall), ...changes };
      versions.set(grantKey(grant.id), grant.version);
      view.apply({ key: grantKey(grant.id), version: grant.version, value: { kind: "grant", grant } });
      beat();
      return grant;
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
    },
  };
}
