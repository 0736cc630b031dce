/**
 * OPA's own cases through our WebAssembly host with our own built-ins, natively and as in compatibility mode, which both
 * have to pass; and the same modules through the stock JavaScript
 * SDK, whose score is printed beside ours. Format of the cases: the README beside them. Every case that compiles to
 * WebAssembly counts; the compiler is the real one, run once per case and kept by content hash in the temp directory.
 */
import { systemClock } from "../../platform/clock.ts";
import { resolveTool } from "../tools/resolve-tool.ts";
import type { CaseOutcome, Say } from "./case-outcome.ts";
import { type Answer, describe, isAnswered } from "./opa/answer.ts";
import { type CompiledCase, compileCases } from "./opa/compile-cases.ts";
import { evaluateWithHost } from "./opa/host.ts";
import { type OpaCase, readCases } from "./opa/read-cases.ts";
import { evaluateWithStockSdk } from "./opa/stock-sdk.ts";

export async function runOpaCases(directory: string, say: Say, note: Say): Promise<readonly CaseOutcome[]> {
  const cases = await readCases(directory);
  const counted = cases.filter((one) => one.counts);
  const tool = await resolveTool("opa", { fetch: true, say });
  if (tool.kind === "missing") throw new Error(`opa is missing: ${tool.reason}; ${tool.help}`);
  note(
    `OPA ${tool.version}: ${counted.length} of ${cases.length} cases count (the others do not compile to WebAssembly or differ there)`,
  );
  const begin = systemClock.monotonicMs();
  const compiled = await compileCases(tool.location, tool.version, counted);
  say(`compiled in ${seconds(begin)} s`);

  const evaluating = systemClock.monotonicMs();
  const nowNs = BigInt(systemClock.wallMs()) * 1_000_000n;
  const outcomes: CaseOutcome[] = [];
  for (const one of compiled) {
    const native = await evaluateWithHost(one, nowNs, "native");
    const compat = await evaluateWithHost(one, nowNs, "compat");
    outcomes.push(outcomeOf(one, isAnswered(one.test, native) ? compat : native));
  }
  say(`evaluated in ${seconds(evaluating)} s`);
  const stock = await stockScore(compiled);
  const ours = outcomes.filter((one) => one.kind === "passed").length;
  note(`countersign: ${share(ours, compiled.length)}; stock SDK on the same cases: ${share(stock, compiled.length)}`);
  return outcomes;
}

function outcomeOf({ test }: CompiledCase, answer: Answer): CaseOutcome {
  const { id } = test;
  if (isAnswered(test, answer)) return { kind: "passed", id };
  const cause = answer.kind === "refused" && answer.cause !== undefined ? { cause: answer.cause } : {};
  return { kind: "missed", id, want: wanted(test), got: describe(answer), ...cause };
}

function wanted({ want }: OpaCase): string {
  return want.kind === "error" ? `evaluation fails with ${want.code}` : describe(want);
}

async function stockScore(compiled: readonly CompiledCase[]): Promise<number> {
  let passed = 0;
  for (const one of compiled) if (isAnswered(one.test, await evaluateWithStockSdk(one))) passed++;
  return passed;
}

function seconds(since: number): string {
  return ((systemClock.monotonicMs() - since) / 1000).toFixed(1);
}

function share(part: number, whole: number): string {
  return `${part} of ${whole} (${((100 * part) / Math.max(whole, 1)).toFixed(2)} %)`;
}
