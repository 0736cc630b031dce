/**
 * Network calls of policies, and how a synchronous evaluation gets their replies: a built-in that finds no reply to its call among those of the
 * decision notes the call and leaves its expression undefined; the result of that evaluation is discarded. Whoever can wait performs the call,
 * and the policy is evaluated again from the beginning with one more reply. The same input, time, random bytes and replies lead the same way, so
 * it reaches the next call, or its end.
 *
 * NB: only the first call of an evaluation is ever performed: those behind it were made as if the first one had failed.
 */

/** `http.send`: what goes out. Headers and text as the policy wrote them. */
export type HttpAsk = {
  readonly kind: "http";
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Rego text (rego-value/bytes.ts). */
  readonly body: string | undefined;
  readonly followsRedirects: boolean;
  /** The policy's own limit; undefined: only that of the configuration. */
  readonly timeoutMs: number | undefined;
  /** After the first try, when there was no answer. */
  readonly retries: number;
  readonly tls: AskedTls | undefined;
  /** May be answered from, and kept for, other decisions; `forSeconds`: whatever the answer says of it. */
  readonly cache: { readonly forSeconds: number | undefined } | undefined;
};

/** PEM. */
export type AskedTls = {
  readonly ca: string | undefined;
  readonly systemRoots: boolean;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly serverName: string | undefined;
};

/** `net.lookup_ip_addr`. */
type AddressesAsk = { readonly kind: "addresses"; readonly name: string };

export type Ask = HttpAsk | AddressesAsk;

export type HttpReply = {
  readonly kind: "http";
  /** `200 OK` */
  readonly status: string;
  readonly statusCode: number;
  /** Lower-case names. */
  readonly headers: readonly (readonly [name: string, values: readonly string[]])[];
  /** Rego text of its bytes. */
  readonly body: string;
};

/** What a policy gets to know; all of it can be cloned. `failed`: an error of the built-in, as OPA has it. */
export type Reply =
  | HttpReply
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  | { readonly kind: "failed"; readonly code: "network" | "internal"; readonly message: string };

/** By the key of the question: the built-in and its arguments, so that the same call within one decision is one question. */
export type Replies = ReadonlyMap<string, Reply>;

export const NO_REPLIES: Replies = new Map();

/** Thrown by a built-in to which there is no reply yet. */
export class Unanswered extends Error {
  override readonly name = "Unanswered";
  readonly builtin: string;
  readonly key: string;
  readonly ask: Ask;

  constructor(builtin: string, key: string, ask: Ask) {
    super("asks the network");
    this.builtin = builtin;
    this.key = key;
    this.ask = ask;
  }
}

/** Performs the questions of one decision, within its bounds. */
export type Asking = {
  /** Those there are by now. */
  readonly replies: Replies;
  /** Puts the reply among them, or says why there is none, which ends the decision. Never rejects. */
  answer(
    asked: Unanswered,
  ): Promise<{ readonly kind: "replied" } | { readonly kind: "unanswered"; readonly why: string }>;
};

/** Of an evaluation that nobody performs questions for: a bundle's own test, a search, a route, a candidate, a replay. */
export const NOBODY_ASKS = "it asks the network, which only a decision does";
