/** What the policy in force hands to a candidate, so that the same is asked of both. */
import type { Said } from "../../../core/policy/asked/said.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { DecisionInputText } from "../../../core/policy/envoy-input/decision-input.ts";

/** What a policy was asked, as text, and what it said. */
export type Asked = {
  readonly decisionId: Id<"decision">;
  readonly nowNs: bigint;
  readonly said: Said;
  readonly revision: string;
  readonly input: Extract<DecisionInputText, { kind: "input" }>;
  /** Parts that the input was written with; undefined: all. */
  readonly reads: InputReads | undefined;
  /** The same input, with what another policy reads. */
  readonly inputFor: (reads: InputReads | undefined) => DecisionInputText;
  /** What the network said to the policy in force, which a candidate is told, too: nobody is asked twice. */
  readonly replies?: Replies | undefined;
  /** What it holds in memory while it is kept, about, but for the replies. */
  readonly bytes: number;
};

/** A candidate that is asked the same later, and compared. Never throws, and takes no time. */
export type Shadow = {
  /** Whether there is one; without it nothing need be made ready. */
  isAsked(): boolean;
  offer(asked: Asked): void;
};
