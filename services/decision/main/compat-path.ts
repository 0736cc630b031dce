/** Constructs compatibility mode: an opa-envoy-plugin policy at its own path, without identity, grants or requests. */
import { readFile } from "node:fs/promises";
import { BUILTINS, BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";
import { withEnvironment } from "../../../core/policy/builtins/runtime.ts";
import { createGrpcBodies } from "../../../core/policy/envoy-input/grpc-body.ts";
import { startCompatPolicy } from "../../../core/policy/start-compat-policy.ts";
import { systemClock } from "../../../platform/clock.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { type DecisionConfig, policyEnvironment } from "../config.ts";
import { createCompatCheck } from "../ext-authz/compat-check.ts";
import { createReadCompatRequest } from "../ext-authz/compat-request.ts";
import { startNetwork } from "../network/start-network.ts";
import { createCompatPolicy } from "../policy/ask-compat-policy.ts";
import { inputDocuments, startKeptInputs } from "../policy/kept-inputs.ts";
import { createObserveEvaluation } from "../policy/observe-evaluation.ts";
import { createSuspensions } from "../policy/suspensions.ts";
import { SHADOW_RELOADED, startShadow } from "../shadow/start-shadow.ts";
import type { DecisionPath, SharedParts } from "./path-parts.ts";
import { startNativeQuestion } from "./start-native-question.ts";
import { tracedCompatPolicy, tracedJudge } from "./traced.ts";

const CHECK_DESCRIPTOR = new URL("../../../proto/descriptor/check.binpb", import.meta.url);

export async function createCompatPath(config: DecisionConfig, shared: SharedParts): Promise<DecisionPath> {
  const { log, lifecycle, reload, metrics, sourceAddress, traces } = shared;
  const { path = "", protoDescriptorPath, skipRequestBodyParse, dryRun, onError, unsafe } = config.policy.compat;
  const network = startNetwork({ clock: systemClock, log, metrics, lifecycle }, config.policy.network, config.listen);
  const served = network === undefined ? BUILTINS : BUILTINS_AND_NETWORK;
  const environment = policyEnvironment(config);
  const builtins = withEnvironment(served, environment);
  const { budget } = config.policy;
  const { bundles, current } = await startCompatPolicy(
    { clock: systemClock, signal: lifecycle.signal, log, metrics },
    { bundle: config.bundle, path, budget, builtins },
  );
  lifecycle.own(bundles);
  const question = config.bundle.shadow?.native === true ? await startNativeQuestion(config, shared) : undefined;
  const shadow = lifecycle.own(
    await startShadow(
      { tell: bundles.tell, clock: systemClock, signal: lifecycle.signal, log, metrics, question },
      config.bundle,
      {
        ...{ compatPath: path, defaultRealm: config.identity.defaultRealm, budget, environment },
        networkBuiltins: network !== undefined,
      },
    ),
  );
  const descriptor = "a FileDescriptorSet with all its imports";
  const grpcBodies =
    protoDescriptorPath === undefined
      ? undefined
      : await fromFiles("policy.compat.protoDescriptorPath", descriptor, async () =>
          createGrpcBodies(await readFile(protoDescriptorPath)),
        );
  const keptInputs = startKeptInputs({ log }, config.development);
  const policy = createCompatPolicy(
    {
      current,
      network,
      suspensions: createSuspensions(),
      sourceAddress,
      observe: createObserveEvaluation(metrics),
      shadow,
      monotonicMs: systemClock.monotonicMs,
      keptInputs,
    },
    { skipRequestBodyParse, grpcBodies },
  );
  const readRequest = createReadCompatRequest(await readFile(CHECK_DESCRIPTOR));
  metrics
    .gauge("compat_unsafe", "1: a policy fault or a denial may open a door, by policy.compat.unsafe")
    .set(unsafe ? 1 : 0);
  if (unsafe)
    log.warn(
      { event: "compat_unsafe", dryRun, onError },
      "policy.compat.unsafe is set: what should be denied may pass",
    );
  reload.part("shadow", SHADOW_RELOADED, ({ bundle }) => shadow.reload(bundle));
  return {
    revision: () => current()?.revision,
    bundles: { ...bundles, describe: () => ({ ...bundles.describe(), shadow: shadow.describe() }) },
    documents: inputDocuments(keptInputs),
    check: (edge) =>
      createCompatCheck(
        { ...edge, policy: traces === undefined ? policy : tracedCompatPolicy(traces, policy), readRequest },
        { path, dryRun, onError },
        traces === undefined ? undefined : (judge) => tracedJudge(traces, judge),
      ),
    checks: [
      ["bundle", bundles.health],
      [
        "compat",
        () =>
          unsafe ? { status: "degraded", detail: `unsafe: onError ${onError}, dryRun ${dryRun}` } : { status: "ok" },
      ],
    ],
    started: { compat: path, unsafe },
    async ready() {
      await bundles.untilActive();
      return "compat";
    },
    canJudge: () => bundles.health().status !== "failed",
  };
}
