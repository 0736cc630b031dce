/** What the active policy hands to a candidate, so that both are asked the same. */
import type { Said } from "../../../core/policy/asked/said.ts";
import type { Replies } from "../../../core/policy/asks.ts";
import type { Clocks } from "../../../core/domain/freshness.ts";
import type { Id } from "../../../core/domain/id.ts";
import type { InputReads } from "../../../core/policy/input-reads.ts";
import type { DecisionInputText } from "../../../core/policy/envoy-input/decision-input.ts";
import type { Evaluation } from "../ports.ts";

/** `not_identified`: the caller was not identified, so native mode would have refused the call before asking a policy. */
export type Described = DecisionInputText | { readonly kind: "not_identified" };

/** A policy's input, as text, and its result. */
export type Asked = {
  readonly decisionId: Id<"decision">;
  readonly nowNs: bigint;
  readonly said: Said;
  readonly revision: string;
  /** Undefined where a candidate is of another kind and has an input of its own. */
  readonly input: Extract<DecisionInputText, { kind: "input" }> | undefined;
  /** Parts that the input was written with; undefined: all. */
  readonly reads: InputReads | undefined;
  /** The input with what another policy reads. Never rejects. */
  readonly inputFor: (reads: InputReads | undefined) => Described | Promise<Described>;
  /** What the network said to the policy in force, which a candidate is told, too: nobody is asked twice. */
  readonly replies?: Replies | undefined;
  /** Approximate memory that it takes while it is kept, without the replies. */
  readonly bytes: number;
};

/** Of a request that a policy of opa-envoy-plugin decides. `isHttp`: as its policy saw it. */
export type NativeQuestion = (
  evaluation: Evaluation,
  request: { readonly isHttp: boolean; readonly body: () => Uint8Array },
  clocks: Clocks,
) => Asked["inputFor"];

/** A candidate that is asked the same later, and compared. Never throws, and takes no time. */
export type Shadow = {
  /** Whether there is one; without it nothing need be made ready. */
  isAsked(): boolean;
  /** Where a policy of opa-envoy-plugin decides and the candidate is one of ours: how that is asked. */
  native?(): NativeQuestion | undefined;
  offer(asked: Asked): void;
};
