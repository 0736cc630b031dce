/** What AuthZEN needs beside the decision path: candidates for its searches, and whether a grant that an access request names is known here. */
import type { DenyReason } from "../../../core/domain/decision.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Entity, Question } from "../../../core/domain/question.ts";
import type { Authenticated } from "../api/ports.ts";

export type GrantLookup = {
  /** What is known about this caller's grant with this id; somebody else's, or one of other actors, is `unknown`. */
  standing(
    caller: Pick<Subject, "issuer" | "id" | "actors">,
    grantId: Id<"grant">,
  ): "known" | "ended" | "not_yet" | "unknown";
};

export type Sought = "subject" | "action" | "resource";

/** A search: the two given entities, and the type of the third. */
export type Search = {
  readonly sought: Sought;
  readonly question: Question;
};

export type CandidateList =
  | { readonly kind: "candidates"; readonly entities: readonly Entity[]; readonly revision: string }
  /** The bundle exposes none. */
  | { readonly kind: "none" }
  | { readonly kind: "fault"; readonly reason: DenyReason };

/** What the policy exposes to searches. Synchronous and never throws. */
export type Candidates = {
  offered(): boolean;
  /** NB: like a decision it is refused for a while to a caller who makes the policy exceed its budget too often. */
  list(search: Search, caller: Authenticated, clocks: Clocks): CandidateList;
};
