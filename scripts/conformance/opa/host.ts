/**
 * One case through our own host: the linked module, our registry, the input as the case gives it. Natively, or as
 * compatibility mode has it, where the host answers what the module would answer otherwise than OPA.
 */
import { randomBytes } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { Asking, Reply } from "../../../core/policy/asks.ts";
import { BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";
import { DEFAULT_BUDGET } from "../../../core/policy/budget.ts";
import { nativeBuiltins, WATCHED_BY_ID, WATCHING } from "../../../core/policy/native-builtins.ts";
import { OPA_ANSWERS, OPA_ANSWERS_BY_ID, OPA_REDIRECTIONS } from "../../../core/policy/opa-answers.ts";
import { compilePolicy } from "../../../core/policy/wasm/compile-policy.ts";
import { createPolicyRunner, type PolicyRunner } from "../../../core/policy/wasm/policy-runner.ts";
import { systemClock } from "../../../platform/clock.ts";
import { type Answer, bindingsOf } from "./answer.ts";
import type { CompiledCase } from "./compile-cases.ts";

type HostMode = "native" | "compat";

const MODES = {
  native: {
    redirections: WATCHING,
    builtins: nativeBuiltins(BUILTINS_AND_NETWORK),
    redirected: WATCHED_BY_ID,
  },
  compat: {
    redirections: OPA_REDIRECTIONS,
    builtins: new Map([...BUILTINS_AND_NETWORK, ...OPA_ANSWERS]),
    redirected: OPA_ANSWERS_BY_ID,
  },
} as const;

/** Names as this machine resolves them; no case has a server to be asked. */
function askingTheSystem(): Asking {
  const replies = new Map<string, Reply>();
  return {
    replies,
    async answer({ key, ask }) {
      if (ask.kind === "http") return { kind: "unanswered", why: "there is no server" };
      const found = await lookup(ask.name, { all: true });
      replies.set(key, { kind: "addresses", addresses: found.map(({ address }) => address) });
      return { kind: "replied" };
    },
  };
}

export async function evaluateWithHost({ test, wasm }: CompiledCase, nowNs: bigint, mode: HostMode): Promise<Answer> {
  const { redirections, builtins, redirected } = MODES[mode];
  let policy: PolicyRunner;
  try {
    const module = await compilePolicy(wasm, redirections);
    const deps = { builtins, randomBytes, monotonicMs: systemClock.monotonicMs };
    policy = createPolicyRunner(deps, { module, dataJson: test.dataJson, budget: DEFAULT_BUDGET, redirected });
  } catch (error) {
    return { kind: "refused", message: String(error) };
  }
  const missing = policy.builtins.filter((name) => !BUILTINS_AND_NETWORK.has(name));
  if (missing.length > 0) {
    const names = missing.toSorted().join(", ");
    return { kind: "refused", message: `not served here: ${names}`, cause: `not served: ${names}` };
  }
  const entrypoint = policy.entrypoints.get(test.entrypoint);
  if (entrypoint === undefined) return { kind: "refused", message: "the entrypoint is missing" };
  const evaluation = await policy.runAsking(entrypoint, test.input, nowNs, askingTheSystem());
  if (evaluation.kind === "asks") return { kind: "error", message: evaluation.why };
  if (evaluation.kind === "trap") return { kind: "error", message: evaluation.message };
  if (evaluation.kind === "exceeded" || evaluation.kind === "oversize")
    return { kind: "error", message: evaluation.kind };
  return bindingsOf(test, evaluation.kind === "value" ? evaluation.value : undefined);
}
