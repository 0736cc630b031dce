/**
 * What a change of policy would have decided: the same inputs, judged by two bundles through the host that decides in
 * production. Compared is the verdict as a whole: outcome, reasons, each key of each elevation, response fields. Not
 * compared: what grants would have made of it, since they are not in the input.
 */
import { isDeepStrictEqual } from "node:util";
import { AppError, unreachable } from "../../domain/app-error.ts";
import type { Verdict } from "../../domain/decision.ts";
import type { Bundle } from "../bundle.ts";
import { createPolicyHost, type Decided, type PolicyHost, type PolicyHostDeps } from "../policy-host.ts";
import type { RecordedInput } from "./recorded-inputs.ts";

type Difference = { readonly name: string; readonly before: Decided; readonly after: Decided };

type Comparison = {
  readonly compared: number;
  /** In the order of the inputs. */
  readonly differences: readonly Difference[];
  /** Of the most expensive evaluation. */
  readonly mostFuel: { readonly before: number; readonly after: number };
};

/** A host with this bundle active. @throws AppError invalid_bundle when it is refused */
export async function hostOf(bundle: Bundle, deps: PolicyHostDeps): Promise<PolicyHost> {
  const host = createPolicyHost(deps, { defaultRealm: "default", warmUps: 1 });
  const activation = await host.activate(bundle);
  if (activation.kind === "refused") {
    throw new AppError("invalid_bundle", `${bundle.revision}: ${activation.reason}: ${activation.detail}`);
  }
  return host;
}

export function compareBundles(
  before: Pick<PolicyHost, "decide">,
  after: Pick<PolicyHost, "decide">,
  inputs: readonly RecordedInput[],
): Comparison {
  const differences: Difference[] = [];
  const mostFuel = { before: 0, after: 0 };
  for (const { name, json, nowNs } of inputs) {
    const one = before.decide(json, { nowNs });
    const other = after.decide(json, { nowNs });
    mostFuel.before = Math.max(mostFuel.before, one.fuelUsed);
    mostFuel.after = Math.max(mostFuel.after, other.fuelUsed);
    if (!isDeepStrictEqual(one.verdict, other.verdict)) differences.push({ name, before: one, after: other });
  }
  return { compared: inputs.length, differences, mostFuel };
}

/** One line: `deny: outside_office_hours`, `elevate: refund order/7/amount/40`. */
export function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case "allow":
      return `allow: ${verdict.reasons.join(", ")}`;
    case "deny":
      return `deny: ${verdict.reasons.length === 0 ? "no_rule_matched" : verdict.reasons.join(", ")}`;
    case "elevate":
      return `elevate: ${verdict.elevations.map(({ entitlement, scope }) => `${entitlement} ${scope}`).join(", ")}`;
    case "fault":
      return `fault (a denial): ${verdict.reason}: ${verdict.detail}`;
    default:
      throw unreachable(verdict satisfies never);
  }
}

/** What of two verdicts of one outcome is not the same, as `path: before → after`; for outcomes that differ, both lines. */
export function differenceLines({ before, after }: Difference): readonly string[] {
  const [one, other] = [verdictText(before.verdict), verdictText(after.verdict)];
  if (one !== other) return [`- ${one}`, `+ ${other}`];
  return [`  ${one}`, ...changedPaths(before.verdict, after.verdict, "")];
}

function changedPaths(before: unknown, after: unknown, path: string): readonly string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [`  ${path}: ${shown(before)} → ${shown(after)}`];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) =>
    changedPaths(Reflect.get(before, name), Reflect.get(after, name), path === "" ? name : `${path}.${name}`),
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? typeof value);
}
