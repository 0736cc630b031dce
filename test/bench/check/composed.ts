/**
 * The parts that `services/decision/main.ts` puts together for a check, without transport and stream: real identity, policy, grants view and
 * decision log. As many subjects as asked for have a grant each.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clocks } from "../../../core/domain/freshness.ts";
import { id } from "../../../core/domain/id.ts";
import { SET_SUM_BITS } from "../../../core/domain/state-view.ts";
import { instant } from "../../../core/domain/time.ts";
import { createIdentify } from "../../../core/identity/identify.ts";
import { createIssuers } from "../../../core/identity/issuers.ts";
import { createKeySets } from "../../../core/identity/key-sets.ts";
import { setHashOf, stateRecordHash } from "../../../core/messages/record-keys.ts";
import { createSigner } from "../../../core/messages/signing.ts";
import { grantKey } from "../../../core/messages/state-record.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createUnderWay } from "../../../platform/lifecycle/under-way.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import { createContext } from "../../../services/decision/context/gather.ts";
import { createLocalTime } from "../../../services/decision/context/local-time.ts";
import { createSourceAddress } from "../../../services/decision/context/source-address.ts";
import { startDecisionLog } from "../../../services/decision/decision-log/decision-log.ts";
import { createEvaluate } from "../../../services/decision/evaluate.ts";
import { createCheck } from "../../../services/decision/ext-authz/check.ts";
import { createGrantsView } from "../../../services/decision/grants/grants-view.ts";
import { createPolicy } from "../../../services/decision/policy/ask-policy.ts";
import { createObserveEvaluation } from "../../../services/decision/policy/observe-evaluation.ts";
import { createSuspensions } from "../../../services/decision/policy/suspensions.ts";
import { makeKeyPair } from "../../harness/system/key-pair.ts";
import { AUDIENCE, honestKey, ISSUER } from "../../integration/decision/lone-decision.ts";
import { grantsFor } from "./sample-check.ts";

const BUNDLE = join(import.meta.dirname, "../../../rego/bundle");

export const readClocks = (): Clocks => ({ wall: instant(Date.now()), monoMs: systemClock.monotonicMs() });

export async function compose(subjects: number) {
  const folder = await mkdtemp(join(tmpdir(), "bench-check-"));
  const stop = new AbortController();
  const metrics = createMetrics({ prefix: "bench_" });
  const log = createLog({ name: "bench", level: "silent" });
  const faults = {
    report(error: unknown): never {
      throw error;
    },
  };

  const jwk = { ...honestKey.publicKey.export({ format: "jwk" }), kid: "honest", alg: "EdDSA", use: "sig" };
  const keyFile = join(folder, "keys.json");
  await writeFile(keyFile, JSON.stringify({ keys: [jwk] }));
  const issuers = createIssuers([{ issuer: ISSUER, audience: [AUDIENCE], algorithms: ["EdDSA"], jwks_file: keyFile }]);
  const keySets = await createKeySets({ issuers, clock: systemClock, signal: stop.signal, onEvent: () => {} });
  const identify = createIdentify({ issuers, keySets });

  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "example" },
  );
  const activation = await host.activate(await loadBundle(BUNDLE));
  if (activation.kind === "refused") throw new Error(activation.detail);
  const view = createGrantsView();
  let sum = 0n;
  for (const grant of grantsFor(subjects, ISSUER, readClocks().wall)) {
    const key = grantKey(grant.id);
    view.apply({ key, version: 1, value: { kind: "grant", grant } });
    sum = BigInt.asUintN(SET_SUM_BITS, sum + stateRecordHash(key, 1));
  }
  const signing = await makeKeyPair(folder, "decision");
  const decisionLog = startDecisionLog(
    {
      stream: { publish: () => Promise.resolve({ kind: "acked" }) },
      signer: createSigner(signing.kid, await readFile(signing.privatePath, "utf8")),
      ...{ log, metrics, now: () => readClocks().wall },
    },
    {
      folder: join(folder, "log"),
      deployment: "bench",
      boot: uuidv7(),
      required: false,
      policyRevision: () => host.revision(),
    },
  );
  const sourceAddress = createSourceAddress({ trustedProxies: 0 });
  const context = createContext({
    freshness: view.freshness,
    incidents: view.incidents,
    sourceAddress,
    localTime: createLocalTime("UTC", { days: [], from: "08:00", to: "18:00" }),
    profile: undefined,
    countries: undefined,
    device: undefined,
  });
  const evaluate = createEvaluate({
    identity: {
      identify: ({ authorization }, at) => identify.identify({ authorization }, at.readClocks().wall),
    },
    context,
    policy: createPolicy({
      host,
      suspensions: createSuspensions(),
      observe: createObserveEvaluation(metrics),
      monotonicMs: systemClock.monotonicMs,
    }),
    grants: view,
    redemption: { redeem: () => Promise.resolve({ kind: "unavailable" }) },
    denials: { offers: () => ({ kind: "unbindable", reason: "not_reviewable" }), publish: notAsked },
    faults,
  });
  const newDecisionId = () => id("decision", uuidv7());
  const underWay = createUnderWay();
  const check = createCheck(
    { ...{ evaluate, decisionLog, sourceAddress, newDecisionId, readClocks, faults }, underWay, observe: () => {} },
    { requestUrl: undefined },
  );
  return {
    ...{ identify, context, host, view, decisionLog, check },
    /** The view is fresh for five seconds after this: call it about once a second. */
    beat() {
      const clocks = readClocks();
      view.heartbeat({ databaseTime: clocks.wall, setHash: setHashOf(sum) }, clocks);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await decisionLog[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function notAsked(): never {
  throw new Error("what is measured asks for no approval");
}
