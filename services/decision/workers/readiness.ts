/** Whether the workers can serve, asked of each at its operators' port. One that can is enough: Envoy leaves out the others. */
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import type { WorkerPlan } from "../../../platform/workers/config.ts";

const ASK_MS = 1_000;
/** Addresses that mean "all of this machine" cannot be connected to. */
const ASKED_AT: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "[::1]"],
]);
const Report = Compile(Type.Object({ status: Type.String() }));

/** Never rejects. `host` is that of all operators' ports. */
export async function workersReady(
  plans: readonly Pick<WorkerPlan, "number" | "opsPort">[],
  host: string,
): Promise<CheckResult> {
  const at = ASKED_AT.get(host) ?? (host.includes(":") && !host.startsWith("[") ? `[${host}]` : host);
  const states = await Promise.all(
    plans.map(async ({ number, opsPort }) => ({ number, state: await stateOf(`http://${at}:${opsPort}/readyz`) })),
  );
  const ready = states.filter(({ state }) => state === "ok" || state === "degraded");
  if (states.every(({ state }) => state === "ok")) return { status: "ok", detail: `${states.length} workers` };
  const others = states.filter(({ state }) => state !== "ok").map(({ number, state }) => `worker ${number} ${state}`);
  return { status: ready.length === 0 ? "failed" : "degraded", detail: others.join(", ") };
}

async function stateOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
    const report: unknown = await response.json();
    return Report.Check(report) ? report.status : "failed";
  } catch {
    return "does not answer";
  }
}
