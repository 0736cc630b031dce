/**
 * Performs the network calls of policies (core/policy/asks.ts): one after the other within a decision, many decisions at once. There are limits
 * on a decision's calls and time (and its own deadline), on the bytes of a response, and on how many decisions wait, so that a slow server leaves
 * room for those that ask nobody. Exceeding a limit ends the decision (`policy_ask_unanswered`): it is not an error that a policy could ignore.
 * What OPA reports as an error of the built-in is one here too: no connection, a host that is not listed, the policy's own timeout.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { errors } from "undici";
import type { Ask, HttpAsk, Reply, Unanswered } from "../../../core/policy/asks.ts";
import { createBackoff } from "../../../platform/backoff.ts";
import type { AskedHost, AskOutcome, Network } from "../ports.ts";
import { type HttpClient, NotListed, TooLarge } from "./http-client.ts";
import type { KeptReplies } from "./kept-replies.ts";
import type { ListedHosts } from "./listed-hosts.ts";
import type { Resolve } from "./names.ts";
import type { ObserveAsk } from "./observe-ask.ts";

type NetworkDeps = {
  readonly client: Pick<HttpClient, "send">;
  readonly resolve: Resolve;
  readonly hosts: ListedHosts;
  readonly kept: KeptReplies;
  readonly observe: ObserveAsk;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
};

type NetworkBounds = {
  readonly maxCalls: number;
  /** For all calls of one decision. */
  readonly timeoutMs: number;
  /** Decisions at once. */
  readonly maxWaiting: number;
};

type Performed =
  | { readonly outcome: Exclude<AskOutcome, "unanswered">; readonly reply: Reply }
  | { readonly outcome: "unanswered"; readonly why: string };

const RETRY = { firstMs: 100, maxMs: 60_000 } as const;

export function createNetwork(deps: NetworkDeps, { maxCalls, timeoutMs, maxWaiting }: NetworkBounds): Network {
  const { client, resolve, hosts, kept, observe, wallMs, monotonicMs } = deps;
  let waiting = 0;

  async function perform({ ask, key }: Unanswered, leftMs: number): Promise<Performed> {
    const found = ask.kind === "http" && ask.cache !== undefined ? kept.find(key, wallMs()) : undefined;
    if (found !== undefined) return { outcome: "kept", reply: found };
    if (waiting >= maxWaiting) return { outcome: "unanswered", why: "too many decisions wait for the network" };
    if (leftMs <= 0) return { outcome: "unanswered", why: "no time is left for it" };
    const signal = AbortSignal.timeout(Math.ceil(leftMs));
    waiting += 1;
    try {
      const reply = await (ask.kind === "http" ? send(ask, signal) : addresses(ask.name, signal));
      if (ask.kind === "http" && reply.kind === "http") kept.keep(key, ask, reply, wallMs());
      return { outcome: "answered", reply };
    } catch (error) {
      if (signal.aborted) return { outcome: "unanswered", why: `${hostOf(ask)} did not answer in time` };
      if (error instanceof TooLarge) return { outcome: "unanswered", why: error.message };
      if (!(error instanceof NotListed)) return { outcome: "failed", reply: failed(error, ask) };
      return { outcome: "refused", reply: { kind: "failed", code: "internal", message: error.message } };
    } finally {
      waiting -= 1;
    }
  }

  async function send(ask: HttpAsk, signal: AbortSignal): Promise<Reply> {
    const backoff = createBackoff(RETRY);
    const own = ask.timeoutMs === undefined ? undefined : Math.ceil(Math.min(ask.timeoutMs, timeoutMs));
    for (let left = ask.retries; ; left -= 1) {
      const limits = own === undefined ? [signal] : [signal, AbortSignal.timeout(own)];
      try {
        return await client.send(ask, AbortSignal.any(limits));
      } catch (error) {
        if (left === 0 || signal.aborted || error instanceof NotListed || error instanceof TooLarge) throw error;
        await backoff.wait(signal);
      }
    }
  }

  async function addresses(name: string, signal: AbortSignal): Promise<Reply> {
    if (!hosts.isListed(name)) throw new NotListed(`unallowed host: ${name}`);
    return { kind: "addresses", addresses: await Promise.race([resolve(name), aborted(signal)]) };
  }

  return {
    forDecision(deadline) {
      const replies = new Map<string, Reply>();
      const asked: AskedHost[] = [];
      let waitedMs = 0;
      return {
        replies,
        asked: () => asked,
        waitedMs: () => waitedMs,
        async answer(unanswered) {
          if (asked.length >= maxCalls) return { kind: "unanswered", why: `more than ${maxCalls} questions` };
          const begun = monotonicMs();
          const performed = await perform(unanswered, Math.min(deadline.leftMs(), timeoutMs - waitedMs));
          const durationMs = monotonicMs() - begun;
          waitedMs += durationMs;
          const one = { host: hostOf(unanswered.ask), durationMs, outcome: performed.outcome };
          asked.push(one);
          observe(one);
          if (performed.outcome === "unanswered") return { kind: "unanswered", why: performed.why };
          replies.set(unanswered.key, performed.reply);
          await nextTurn(); // also if the reply was already there: an evaluation follows, and others wait
          return { kind: "replied" };
        },
      };
    },
  };
}

/** NB: nothing else of a URL is revealed: its path and query may contain secrets. */
function hostOf(ask: Ask): string {
  if (ask.kind === "addresses") return ask.name;
  return URL.parse(ask.url)?.host ?? "no host";
}

/** NB: an error's message may contain the URL, so its code is used. */
function failed(error: unknown, ask: Ask): Reply {
  const who = hostOf(ask);
  if (isTimeout(error)) return { kind: "failed", code: "network", message: `${who}: request timed out` };
  const code = codeOf(error);
  const isOurs =
    error instanceof errors.InvalidArgumentError || error instanceof TypeError || error instanceof URIError;
  return { kind: "failed", code: isOurs ? "internal" : "network", message: `${who}: ${code ?? "no answer"}` };
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
