/** Constructs the decision path of docs/decision-path.md: identity, policy, grants, redemption and denials behind `evaluate`. */
import { id } from "../../../core/domain/id.ts";
import { startIdentity } from "../../../core/identity/start-identity.ts";
import { startPolicy } from "../../../core/policy/start-policy.ts";
import { systemClock, uuidv7 } from "../../../platform/clock.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { createTokenBuckets } from "../../../platform/token-buckets.ts";
import { type DecisionConfig, policyEnvironment } from "../config.ts";
import { createDenials } from "../denials/publish.ts";
import { createEvaluate, type Ports } from "../evaluate.ts";
import { createCheck } from "../ext-authz/check.ts";
import { createGrantsView } from "../grants/grants-view.ts";
import { createStateReader } from "../grants/state-reader.ts";
import { createShownCredentials } from "../identity/shown-credentials.ts";
import { startNetwork } from "../network/start-network.ts";
import { createCandidates } from "../policy/ask-candidates.ts";
import { createPolicy } from "../policy/ask-policy.ts";
import { inputDocuments, startKeptInputs } from "../policy/kept-inputs.ts";
import { createObserveEvaluation } from "../policy/observe-evaluation.ts";
import { createSuspensions } from "../policy/suspensions.ts";
import { startProfiles } from "../profiles/start-profiles.ts";
import { createRedeemClient } from "../redemption/redeem-client.ts";
import { createReadiness } from "../serving/readiness.ts";
import { SHADOW_RELOADED, startShadow } from "../shadow/start-shadow.ts";
import type { DecisionPath, SharedParts } from "./path-parts.ts";
import { startContext } from "./start-context.ts";
import { startStateKeys } from "./state-keys.ts";
import { traceDecisions } from "./traced.ts";

/** Of the checks that may be under way: whose token is known finds room, however many have to have theirs verified. */
const SHARE_OF_UNKNOWN = 0.5;
/** Of those, callers of the API. NB: whoever floods it leaves room for checks with new tokens. */
const SHARE_OF_API = 0.5;

/** The token is asked for at each use. */
const REDEMPTION_KEYS = ["caPath", "certPath", "keyPath", "serviceToken"].map((name) => `redemption.${name}`);

export async function createNativePath(config: DecisionConfig, shared: SharedParts): Promise<DecisionPath> {
  const {
    log,
    lifecycle,
    reload,
    metrics,
    readClocks,
    faults,
    stream,
    signingKey,
    sourceAddress,
    traces,
    certificates,
  } = shared;
  const { deployment } = config;
  const { signal } = lifecycle;
  const maxWaiting = Math.ceil(config.listen.maxInFlight * SHARE_OF_UNKNOWN);
  const identity = lifecycle.own(
    await startIdentity(
      { clock: systemClock, signal, log, metrics },
      { ...config.identity, maxWaiting, callersShowCertificates: true },
    ),
  );
  const network = startNetwork({ clock: systemClock, log, metrics, lifecycle }, config.policy.network, config.listen);
  const settings = {
    defaultRealm: config.identity.defaultRealm,
    budget: config.policy.budget,
    environment: policyEnvironment(config),
    networkBuiltins: network !== undefined,
  };
  const policy = lifecycle.own(
    await startPolicy({ clock: systemClock, signal, log, metrics }, { bundle: config.bundle, ...settings }),
  );
  const shadow = lifecycle.own(
    await startShadow({ tell: policy.tell, clock: systemClock, signal, log, metrics }, config.bundle, settings),
  );

  const view = createGrantsView();
  const verifier = await startStateKeys(shared, config.state);
  const profiles = startProfiles({ verifier, metrics }, { deployment, ...config.context.profiles });
  const state = createStateReader(
    { stream, verifier, view, profiles, readClocks, log, metrics },
    { deployment, readyWithinMs: config.state.readyWithinMs },
  );
  const readiness = createReadiness({
    bundle: policy.health,
    keys: () => identity.health(readClocks().wall),
    state: state.read,
    grants: () => view.freshness(readClocks()),
  });
  let { serviceToken } = config.redemption;
  const redeemer = lifecycle.own(
    createRedeemClient(
      {
        metrics,
        wallMs: systemClock.wallMs,
        traceparent: traces?.here,
        onFault: (code) =>
          log.warn({ event: "redemption_fault", code }, "a use was not answered by the approval service and is denied"),
      },
      {
        address: config.redemption.address,
        tls: await fromFiles("redemption", "a certificate, its key and an authority (PEM)", () =>
          certificates.client("redemption", config.redemption),
        ),
        serviceToken: () => serviceToken,
      },
    ),
  );
  const { burst, perMinute, requestUrl } = config.denials;
  const denials = createDenials(
    {
      stream,
      signer: signingKey.signer,
      buckets: createTokenBuckets({ burst, refillMs: 60_000 / perMinute }),
      newDenialId: () => id("denial", uuidv7()),
      sourceAddress,
      log,
      metrics,
    },
    { deployment },
  );
  const { freshness, incidents } = view;
  const context = await startContext({ ...shared, freshness, incidents, profile: profiles?.find }, config.context);
  const shown = createShownCredentials(config.identity.token);
  const keptInputs = startKeptInputs({ log }, config.development);
  const evaluating = {
    suspensions: createSuspensions(),
    observe: createObserveEvaluation(metrics),
    monotonicMs: systemClock.monotonicMs,
  };
  const ports: Ports = {
    identity: {
      identify: (credentials, { readClocks: clocks, deadline }) =>
        identity.identifyInTurn(shown(credentials), {
          now: () => clocks().wall,
          isLate: () => deadline.leftMs() <= 0,
        }),
    },
    context,
    policy: createPolicy({
      host: policy.host,
      ...evaluating,
      ...{ network, shadow, keptInputs },
    }),
    grants: view,
    redemption: redeemer,
    denials,
    faults,
  };
  const evaluate =
    traces === undefined ? createEvaluate(ports) : traceDecisions(traces, ports, config.kafka ? "kafka" : "postgresql");

  reload.part("shadow", SHADOW_RELOADED, ({ bundle }) => shadow.reload(bundle));
  reload.part("issuer_keys", [], () => identity.reload());
  reload.part("redemption_tls", REDEMPTION_KEYS, async ({ redemption }) => {
    redeemer.replaceCertificates(await certificates.client("redemption", redemption));
    ({ serviceToken } = redemption);
  });

  return {
    revision: policy.host.revision,
    bundles: { ...policy, describe: () => ({ ...policy.describe(), shadow: shadow.describe() }) },
    api: {
      evaluate,
      candidates: createCandidates({ host: policy.host, ...evaluating }),
      identity,
      mostUnknown: Math.ceil(maxWaiting * SHARE_OF_API),
      issuers: identity.issuers,
      grants: view,
    },
    documents: inputDocuments(keptInputs),
    check: (edge) => createCheck({ ...edge, evaluate }, { requestUrl }),
    checks: readiness.checks,
    started: { redemption: config.redemption.address, issuers: [...identity.issuers.keys()] },
    async ready() {
      state.start(signal);
      await readiness.untilReady(signal);
      const keys = identity.health(readClocks().wall);
      if (keys.status !== "ok") {
        log.warn(
          { event: "keys_not_read", why: keys.detail },
          "serving without the keys of an issuer; its tokens are refused",
        );
      }
      const read = state.read();
      if (read === "gave_up_waiting")
        log.warn(
          { event: "state_not_read" },
          "the state topic was not read to its end in time; deciding without grants until it is",
        );
      return read;
    },
    canJudge: readiness.canJudge,
  };
}
