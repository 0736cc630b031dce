/**
 * Asks the active policy for the candidates of a search: its input is what is given, and which of the three is sought. Its time and cost are
 * observed like those of a decision, and a caller for whom it exceeds its budget too often is not answered for a while (suspensions.ts).
 */
import { AppError } from "../../../core/domain/app-error.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import { writePlainJson } from "../../../core/policy/rego-value/write.ts";
import type { Authenticated } from "../api/ports.ts";
import type { Candidates, Search } from "../authzen/ports.ts";
import type { EvaluatingDeps } from "./evaluating.ts";
import { accountName, type Attempt } from "./suspensions.ts";

type CandidatesDeps = Pick<EvaluatingDeps, "suspensions" | "observe" | "monotonicMs"> & {
  readonly host: Pick<PolicyHost, "candidates" | "offersCandidates" | "revision">;
};

export function createCandidates({ host, suspensions, observe, monotonicMs }: CandidatesDeps): Candidates {
  return {
    offered: () => host.offersCandidates(),
    list(search, caller, { wall, monoMs }) {
      const revision = host.revision() ?? "";
      const attempt = () => attemptOf(search, caller, revision);
      if (suspensions.isSuspended(attempt, monoMs)) return { kind: "fault", reason: "policy_suspended" };
      try {
        const { sought, question } = search;
        const { subject, action, resource, context } = question;
        const given = { subject, action, resource, context: { stated: context } };
        const input = writePlainJson({ search: sought, ...given });
        const started = monotonicMs();
        const { sets, fuelUsed } = host.candidates(input, { nowNs: BigInt(wall) * 1_000_000n });
        if (sets.kind === "none") return sets;
        observe({ durationMs: monotonicMs() - started, fuelUsed });
        if (sets.kind === "fault") {
          if (sets.reason === "policy_budget_exceeded") suspensions.note(attempt(), monoMs);
          return sets;
        }
        const actions = sets.actions.map(({ name, properties }) => ({ type: "action", id: name, properties }));
        const entities = sought === "action" ? actions : sought === "subject" ? sets.subjects : sets.resources;
        return { kind: "candidates", entities, revision };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return { kind: "fault", reason: "policy_error" };
      }
    },
  };
}

/**
 * Counted against whoever asks, since what is given is theirs to choose; a program asks for many, so its searches about one subject (or, where
 * that is sought, resource) are a route of their own.
 */
function attemptOf({ sought, question }: Search, caller: Authenticated, revision: string): Attempt {
  const { type, id } = sought === "subject" ? question.resource : question.subject;
  return {
    revision,
    subject: caller.kind === "client" ? `client ${caller.client.name}` : accountName(caller.subject),
    method: `search ${sought}`,
    // Of a path only the first part counts: whatever stands in an id is within it.
    path: encodeURIComponent(`${type}:${id}`.toWellFormed()),
  };
}
