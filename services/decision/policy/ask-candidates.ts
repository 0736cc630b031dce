/** Asks the active policy for the candidates of a search: its input is what is given, and which of the three is sought. */
import { AppError } from "../../../core/domain/app-error.ts";
import type { PolicyHost } from "../../../core/policy/policy-host.ts";
import { writePlainJson } from "../../../core/policy/rego-value/write.ts";
import type { Candidates } from "../authzen/ports.ts";

export function createCandidates(host: Pick<PolicyHost, "candidates" | "offersCandidates" | "revision">): Candidates {
  return {
    offered: () => host.offersCandidates(),
    list({ sought, question }, { wall }) {
      try {
        const { subject, action, resource, context } = question;
        const given = { subject, action, resource, context: { stated: context } };
        const input = writePlainJson({ search: sought, ...given });
        const sets = host.candidates(input, { nowNs: BigInt(wall) * 1_000_000n });
        if (sets.kind !== "candidates") return sets;
        const actions = sets.actions.map(({ name, properties }) => ({ type: "action", id: name, properties }));
        const entities = sought === "action" ? actions : sought === "subject" ? sets.subjects : sets.resources;
        return { kind: "candidates", entities, revision: host.revision() ?? "" };
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        return { kind: "fault", reason: "policy_error" };
      }
    },
  };
}
