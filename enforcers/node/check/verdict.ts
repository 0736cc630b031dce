/**
 * What the gateway asks the decision service about, and what it can do with the answer. There is one way to pass, `allowed`;
 * `unusable` is everything that is no answer: unreachable, late, not decodable, contradictory, or not applicable here.
 */
import type { Peer } from "../client-request.ts";
import type { HeaderChange } from "../header-changes.ts";
import type { HeaderLine } from "../header-line.ts";

export type JudgedCall = {
  /** Unique among the calls of this gateway. */
  readonly id: string;
  readonly time: Date;
  readonly source: Peer;
  readonly destination: Peer;
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** All that the upstream will get, before the decision service changes them, and what is for the policy alone. */
  readonly lines: readonly HeaderLine[];
  /** The whole body, or undefined when this route does not look at bodies; then nothing is said about there being one. */
  readonly body: Buffer | undefined;
};

export type Verdict =
  | {
      readonly kind: "allowed";
      readonly request: readonly HeaderChange[];
      readonly removed: readonly string[];
      readonly response: readonly HeaderChange[];
    }
  | {
      readonly kind: "denied";
      readonly status: number;
      readonly lines: readonly HeaderLine[];
      readonly body: Buffer;
    }
  /** `why` is a fixed word for metrics and the log. */
  | { readonly kind: "unusable"; readonly why: Unusable };

export type Unusable = "unreachable" | "too_late" | "not_decodable" | "contradictory" | "not_applicable";
