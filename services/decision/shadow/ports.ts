/** What the policy in force hands to a candidate, so that the same is asked of both. */
import type { Replies } from "../../../core/policy/asks.ts";
import type { Verdict } from "../../../core/domain/decision.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { DecisionInputText } from "../../../core/policy/envoy-input/decision-input.ts";

/** What a policy was asked, as text, and what it said. */
export type Asked = {
  readonly decisionId: Id<"decision">;
  readonly nowNs: bigint;
  readonly verdict: Verdict;
  readonly revision: string;
  readonly input: Extract<DecisionInputText, { kind: "input" }>;
  /** Parts that the input was written with; undefined: all. */
  readonly reads: InputReads | undefined;
  /** The same input, with what another policy reads. */
  readonly inputFor: (reads: InputReads | undefined) => DecisionInputText;
  /** What the network said to the policy in force, which a candidate is told, too: nobody is asked twice. */
  readonly replies?: Replies | undefined;
  /** What it holds in memory while it is kept, about. */
  readonly bytes: number;
};

/** A candidate that is asked the same later, and compared. Never throws, and takes no time. */
export type Shadow = { offer(asked: Asked): void };
