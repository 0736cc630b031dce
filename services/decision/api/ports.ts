/**
 * What the edges of the API (AuthZEN over HTTP, our own gRPC) share: the caller and about whom it may ask, and a question with the decision
 * path's answer.
 */
import type { DenyReason } from "../../../core/domain/decision.ts";
import type { Entity, Question } from "../../../core/domain/question.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Instant } from "../../../core/domain/time.ts";
import type { Deadline, Evaluated, Evaluation, Mode, Vouched } from "../ports.ts";

export type Authenticated =
  /** A configured program. */
  | { readonly kind: "client"; readonly client: ApiClient }
  /** Somebody with a token of a configured issuer, who may ask about nobody else. */
  | { readonly kind: "subject"; readonly subject: Subject; readonly expiresAt: number };

export type ApiClient = {
  readonly name: string;
  /** Type of subject → issuer of the accounts that it may ask about. */
  readonly subjects: ReadonlyMap<string, string>;
  /** Its decisions may be enforced: they redeem, and publish denials. */
  readonly enforcer: boolean;
  /** Of an evaluation over AuthZEN that names none; `ask` unless given. */
  readonly defaultMode?: Mode | undefined;
};

type Shown = {
  /** All values of `authorization`. */
  readonly authorization: readonly string[];
  /** Names of the verified certificate of the connection, such as `URI:spiffe://…`; none without one. Read where they matter: a certificate is parsed for it. */
  readonly certificateNames: () => readonly string[];
  /** That certificate, as DER: for a token that counts with it alone. */
  readonly certificate: () => Uint8Array | undefined;
};

export type NotKnown =
  | { readonly kind: "refused"; readonly reason: DenyReason }
  /** Says nothing about the credential, which was not verified: too many were waiting, or its deadline passed first. */
  | { readonly kind: "busy"; readonly reason: "overloaded" | "deadline_exceeded" }
  /** Nor does this: none of its issuer's keys are here to verify it with. */
  | { readonly kind: "unverifiable"; readonly reason: "keys_unavailable" };

/** Identifies callers of the API, and about whom they may ask. Anonymous callers are refused. */
export type ApiCallers = {
  /** Never rejects. A token that nobody knows yet may wait for its turn; `isLate`: whether nobody would wait for the answer by then. */
  authenticate(shown: Shown, isLate: () => boolean): Promise<Authenticated | NotKnown>;
  /** The account that `entity` names according to this caller, or that the caller is not trusted to name it. */
  vouch(caller: Authenticated, entity: Entity): Vouched;
  /** The question as this caller may put it: whoever speaks for themself says nothing about themself that a policy could take for known. */
  inOwnWords(caller: Authenticated, question: Question): Question;
};

export type AskOptions = {
  readonly vouched: Vouched;
  readonly deadline: Deadline;
  readonly mode: Mode;
  readonly traceparent: string | undefined;
  /** Of whoever asks, if it is a client. */
  readonly client: string | undefined;
};

export type Answered = Evaluated & { readonly evaluation: Evaluation; readonly time: Instant };

/** One question of an API caller, judged and recorded. Never rejects. */
export type AskQuestion = (question: Question, options: AskOptions) => Promise<Answered>;

/** One of the questions of a request. */
export type Ask = (question: Question, mode: Mode) => Promise<Answered>;

export type Asking = {
  /** `stated`: undefined where the request names none. Gives undefined where it may not be: enforcing is for clients that are configured as enforcers. */
  modeOf(caller: Authenticated, stated: Mode | undefined): Mode | undefined;
  /** Gives what `answer` makes by what it asks. */
  during<T>(
    request: Omit<AskOptions, "vouched" | "mode" | "client"> & { readonly caller: Authenticated },
    answer: (ask: Ask) => Promise<T>,
  ): Promise<T>;
};

/** What would be decided now, for a search; nothing is recorded. Never rejects. */
export type EvaluateAside = (question: Question, vouched: Vouched, deadline: Deadline) => Promise<Evaluated>;
