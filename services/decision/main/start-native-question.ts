/**
 * Constructs what a native candidate needs in shadow of an opa-envoy-plugin policy: identity and context, without what comes from the state
 * topic, which is not read there. Nothing waits for it, and readiness does not depend on it.
 */
import { startIdentity } from "../../../core/identity/start-identity.ts";
import { systemClock } from "../../../platform/clock.ts";
import type { DecisionConfig } from "../config.ts";
import { createShownCredentials } from "../identity/shown-credentials.ts";
import { createNativeQuestion } from "../shadow/native-question.ts";
import type { NativeQuestion } from "../shadow/ports.ts";
import type { SharedParts } from "./path-parts.ts";
import { startContext } from "./start-context.ts";

/** An unknown token waits until checks leave room; the candidate's queue is processed one by one. */
const MAX_WAITING = 1;

export async function startNativeQuestion(config: DecisionConfig, shared: SharedParts): Promise<NativeQuestion> {
  const { log, lifecycle, reload, metrics } = shared;
  const identity = lifecycle.own(
    await startIdentity(
      { clock: systemClock, signal: lifecycle.signal, log, metrics },
      { ...config.identity, maxWaiting: MAX_WAITING, callersShowCertificates: true },
    ),
  );
  reload.part("issuer_keys", [], () => identity.reload());
  const context = await startContext(
    {
      ...shared,
      freshness: () => ({ kind: "stale", why: "no_heartbeat" }),
      incidents: () => undefined,
      profile: undefined,
    },
    config.context,
  );
  const shown = createShownCredentials(config.identity.token);
  return createNativeQuestion({
    identity: {
      identify: (credentials, { readClocks }) =>
        identity.identifyInTurn(shown(credentials), { now: () => readClocks().wall, isLate: () => false }),
    },
    context,
  });
}
