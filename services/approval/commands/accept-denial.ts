/**
 * Stores a denial from the stream; nobody is notified. If the call carried a reason, or its default offer needs none, it is submitted at once in
 * the requester's name. A denial that the domain refuses to submit waits to be submitted by hand, or lapses.
 *
 * Delivery is at least once: storing is idempotent by id, submitting by denial, and its origin is settled last, so after a crash at any point the
 * record is read again and nothing is done twice.
 */
import type { Denial } from "../../../core/domain/denial.ts";
import type { Origin } from "../intake/ports.ts";
import type { People, Transactions } from "../ports.ts";
import type { Submission, SubmitOutcome } from "./ports.ts";

type AcceptDenial = { readonly denial: Denial; readonly origin: Origin };

type AcceptOutcome =
  | { readonly kind: "accepted"; readonly isNew: boolean; readonly submitted: SubmitOutcome }
  /** It contains text that cannot be stored. Nothing was stored and its origin is not settled: quarantine it. */
  | { readonly kind: "refused"; readonly reason: "unstorable" };

type Deps = { readonly store: Transactions; readonly people: People; readonly submit: Submission };

export function createAcceptDenial({ store, people, submit }: Deps) {
  return async ({ denial, origin }: AcceptDenial): Promise<AcceptOutcome> => {
    if (!isStorable(denial)) return { kind: "refused", reason: "unstorable" };
    const { person } = await people.resolve(denial.subject);
    const isNew = await store.transaction("denial", (tx) => tx.denials.insert(denial, person));
    const submitted = await submit({
      denialId: denial.id,
      by: denial.subject,
      automatic: true,
      asked: {
        entitlement: undefined,
        scope: undefined,
        justification: denial.justification ?? "",
        maxUses: undefined,
        duration: undefined,
        notBefore: undefined,
      },
    });
    await store.transaction("topic" in origin ? "offset" : "replay", (tx) => tx.settle(origin));
    return { kind: "accepted", isNew, submitted };
  };
}

/** NB: text columns and JSON operators refuse U+0000; a denial with one in a column would fail for ever and block its partition. */
function isStorable({ subject, policyRevision, offers }: Denial): boolean {
  const names = offers.flatMap(({ elevation }) => [elevation.entitlement, elevation.scope]);
  const actors = subject.actors.flatMap(({ issuer, id }) => [issuer, id]);
  return [subject.issuer, subject.id, ...actors, policyRevision, ...names].every((text) => !text.includes("\0"));
}
