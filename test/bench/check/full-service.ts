/**
 * The decision service as in production, for the bench: the real program with the committed policy, decisions shipped to a stream in
 * Postgres, and grants read from there. Who tells the grants and the heartbeats is the bench, under the relay's key.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { instant } from "../../../core/domain/time.ts";
import type { Decision } from "../../harness/system/decision.ts";
import { DEPLOYMENT, ISSUER, type LoneOptions, startLoneDecision } from "../../integration/decision/lone-decision.ts";
import { tellGrants } from "../../integration/decision/told-grants.ts";
import type { Cores } from "../cores.ts";
import { type Measured, measured } from "../load/measured.ts";
import { grantsFor } from "./sample-check.ts";

const SUBJECTS = 1_000;
/** A slow answer is to count as slow, and not as refused. */
export const PATIENT = { deadlineMs: 30_000 };

/** Other than in production: what a comparison changes. */
type FullServiceOptions = Pick<LoneOptions, "bundle" | "trust" | "further" | "furtherKeys" | "preload"> & {
  /** The service may use both; its database may not. */
  readonly onBoth?: Cores["onBoth"];
};

export async function startFullService(options: FullServiceOptions = {}): Promise<Decision> {
  const { onBoth = (start) => start(), ...changes } = options;
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const grants = grantsFor(SUBJECTS, ISSUER, instant(Date.now()));
  const { streamUrl, stateRelay } = owned.use(await tellGrants(grants, { folder, deployment: DEPLOYMENT }));
  const own = { folder, name: "decision", streamUrl, stateRelay, listen: PATIENT, hasOwnClock: false };
  const decision = owned.use(await onBoth(() => startLoneDecision({ ...changes, ...own })));
  await decision.untilFresh();
  const all = owned.move();
  return { ...decision, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** Alone on its core from now on. */
export async function measuredDecision(decision: Decision, cores: Cores): Promise<Measured> {
  const pid = decision.pid();
  if (pid === undefined) throw new Error("the decision service is gone");
  await cores.measured(pid);
  return measured([decision.port], [decision.opsUrl]);
}
