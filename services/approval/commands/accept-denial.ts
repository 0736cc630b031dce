/**
 * Stores a denial from the stream; nobody is notified. If the call carried a reason, or its default offer needs none, it is submitted at once in
 * the requester's name. A denial that the domain refuses to submit waits to be submitted by hand, or lapses.
 *
 * Delivery is at least once: storing is idempotent by id, submitting by denial, and the offset is moved last, so after a crash at any point the
 * record is read again and nothing is done twice. What came of submitting it is marked in the same transaction: a denial that met an open request
 * asks for nothing anew when it is delivered again after that has ended. A replay is one transaction: security may dismiss the record meanwhile, and
 * what was dismissed has had no effect.
 */
import type { Denial } from "../../../core/domain/denial.ts";
import type { Asked } from "../../../core/domain/submit.ts";
import type { Origin } from "../intake/ports.ts";
import type { People, Reads, Transactions } from "../ports.ts";
import type { Submission, SubmitOutcome } from "./ports.ts";

type AcceptDenial = { readonly denial: Denial; readonly origin: Origin };

type AcceptOutcome =
  /** `submitted` undefined: an earlier delivery of it was submitted, whatever came of that. */
  | { readonly kind: "accepted"; readonly isNew: boolean; readonly submitted: SubmitOutcome | undefined }
  /** It contains text that cannot be stored. Nothing was stored and its origin is not settled: quarantine it. */
  | { readonly kind: "refused"; readonly reason: "unstorable" };

type Deps = {
  readonly reads: Pick<Reads, "isActedOn">;
  readonly store: Transactions;
  readonly people: People;
  readonly submit: Submission;
};

export function createAcceptDenial({ reads, store, people, submit }: Deps) {
  return async ({ denial, origin }: AcceptDenial): Promise<AcceptOutcome> => {
    if (!isStorable(denial)) return { kind: "refused", reason: "unstorable" };
    const { person } = await people.resolve(denial.subject);
    const submission = { denialId: denial.id, by: denial.subject, asked: asOffered(denial), automatic: true };
    let isNew = false;
    if ("topic" in origin) {
      isNew = await store.transaction("denial", (tx) => tx.denials.insert(denial, person));
      const isRepeated = !isNew && (await reads.isActedOn(denial.id));
      const submitted = isRepeated ? undefined : await submit(submission);
      await store.transaction("offset", (tx) => tx.settle(origin));
      return { kind: "accepted", isNew, submitted };
    }
    if (await reads.isActedOn(denial.id)) {
      await store.transaction("replay", (tx) => tx.settle(origin));
      return { kind: "accepted", isNew, submitted: undefined };
    }
    const submitted = await submit({
      ...submission,
      arriving: {
        denial,
        async take(tx) {
          await tx.settle(origin);
          isNew = await tx.denials.insert(denial, person);
        },
      },
    });
    return { kind: "accepted", isNew, submitted };
  };
}

function asOffered({ justification = "" }: Denial): Asked {
  return {
    entitlement: undefined,
    scope: undefined,
    justification,
    maxUses: undefined,
    duration: undefined,
    notBefore: undefined,
  };
}

/** NB: text columns and JSON operators refuse U+0000; a denial with one in a column would fail for ever and block its partition. */
function isStorable({ subject, policyRevision, offers }: Denial): boolean {
  const names = offers.flatMap(({ elevation }) => [elevation.entitlement, elevation.scope]);
  const actors = subject.actors.flatMap(({ issuer, id }) => [issuer, id]);
  return [subject.issuer, subject.id, ...actors, policyRevision, ...names].every((text) => !text.includes("\0"));
}
