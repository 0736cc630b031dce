/**
 * The thread of the candidate: a policy host of its own, with the same built-ins and the same budget as the one that decides. One message is
 * one answer, in order of their kind; an evaluation ends within its budget here too.
 */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { AppError } from "../../../core/domain/app-error.ts";
import type { Verdict } from "../../../core/domain/decision.ts";
import { BUILTINS, BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";
import { withEnvironment } from "../../../core/policy/builtins/runtime.ts";
import { bundleOf } from "../../../core/policy/bundle.ts";
import type { BundleFiles } from "../../../core/policy/bundles/bundle-files.ts";
import type { Taken } from "../../../core/policy/bundles/keeper.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { systemClock } from "../../../platform/clock.ts";
import type {
  CandidateSettings,
  Compared,
  Differing,
  FromCandidate,
  Job,
  Said,
  ToCandidate,
} from "./candidate-messages.ts";
import { differencesBetween } from "./compare-verdicts.ts";

const MAX_REASONS = 8;
const MAX_REASON_LENGTH = 128;

const settings: CandidateSettings = workerData;
const served = settings.networkBuiltins === true ? BUILTINS_AND_NETWORK : BUILTINS;
const builtins = withEnvironment(served, settings.environment ?? new Map());
const host = createPolicyHost({ builtins, randomBytes, monotonicMs: systemClock.monotonicMs }, settings);

async function activate(files: BundleFiles): Promise<Taken> {
  try {
    const bundle = bundleOf(files);
    const activation = await host.activate(bundle);
    return activation.kind === "refused" ? activation : { ...activation, cases: bundle.selfTest?.length ?? 0 };
  } catch (error) {
    const detail = error instanceof AppError ? error.detail : "it cannot be used";
    return { kind: "refused", reason: "invalid_bundle", detail };
  }
}

function compare(jobs: readonly Job[]): Compared {
  const differing: Differing[] = [];
  for (const { decisionId, revision, inputJson, nowNs, verdict, replies } of jobs) {
    const own = host.decide(inputJson, { nowNs }, replies).verdict;
    const differences = differencesBetween(verdict, own);
    if (differences.length === 0) continue;
    differing.push({ decisionId, revision, differences, active: saidBy(verdict), candidate: saidBy(own) });
  }
  return { revision: host.revision() ?? "", agreed: jobs.length - differing.length, differing };
}

function saidBy(verdict: Verdict): Said {
  if (verdict.kind === "fault") return { outcome: verdict.reason, reasons: [] };
  const all = verdict.kind === "elevate" ? verdict.elevations.map(({ entitlement }) => entitlement) : verdict.reasons;
  return {
    outcome: verdict.kind,
    reasons: all.slice(0, MAX_REASONS).map((reason) => reason.slice(0, MAX_REASON_LENGTH)),
  };
}

function answer(message: FromCandidate): void {
  parentPort?.postMessage(message);
}

async function receive(message: ToCandidate): Promise<void> {
  if (message.kind === "compare") return answer({ kind: "compared", compared: compare(message.jobs) });
  const taken = await activate(message.files);
  answer({ kind: "taken", taken, inputReads: host.inputReads() });
}

parentPort?.on("message", (message: ToCandidate) => void receive(message));
