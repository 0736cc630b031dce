/**
 * The candidate's thread: it evaluates a bundle with the same built-ins and the same budget as the active one. Each message gets one answer, in
 * order of their kind; an evaluation ends within its budget here too.
 */
import { randomBytes } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { createAskedBundle } from "../../../core/policy/asked/asked-bundle.ts";
import { differencesBetween } from "../../../core/policy/asked/differences.ts";
import { type Statement, statementOf } from "../../../core/policy/asked/said.ts";
import { BUILTINS, BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";
import { withEnvironment } from "../../../core/policy/builtins/runtime.ts";
import { systemClock } from "../../../platform/clock.ts";
import type {
  CandidateSettings,
  Compared,
  Differing,
  FromCandidate,
  Job,
  ToCandidate,
  Told,
} from "./candidate-messages.ts";

const MAX_REASONS = 8;
const MAX_REASON_LENGTH = 128;

const settings: CandidateSettings = workerData;
const served = settings.networkBuiltins === true ? BUILTINS_AND_NETWORK : BUILTINS;
const builtins = withEnvironment(served, settings.environment ?? new Map());
const bundle = createAskedBundle({ builtins, randomBytes, monotonicMs: systemClock.monotonicMs }, settings);

function compare(jobs: readonly Job[]): Compared {
  const differing: Differing[] = [];
  for (const { decisionId, revision, inputJson, nowNs, said, replies } of jobs) {
    const active = statementOf(said);
    const candidate = statementOf(bundle.ask(inputJson, { nowNs }, replies).said);
    const differences = differencesBetween(active, candidate);
    if (differences.length === 0) continue;
    differing.push({ decisionId, revision, differences, active: toldOf(active), candidate: toldOf(candidate) });
  }
  return { revision: bundle.revision() ?? "", agreed: jobs.length - differing.length, differing };
}

function toldOf({ outcome, names, parts: { status } }: Statement): Told {
  const reasons = names.slice(0, MAX_REASONS).map((name) => name.slice(0, MAX_REASON_LENGTH));
  return status === undefined ? { outcome, reasons } : { outcome, reasons, status };
}

function answer(message: FromCandidate): void {
  parentPort?.postMessage(message);
}

async function receive(message: ToCandidate): Promise<void> {
  if (message.kind === "compare") return answer({ kind: "compared", compared: compare(message.jobs) });
  const taken = await bundle.activate(message.files);
  answer({ kind: "taken", taken, inputReads: bundle.inputReads() });
}

parentPort?.on("message", (message: ToCandidate) => void receive(message));
