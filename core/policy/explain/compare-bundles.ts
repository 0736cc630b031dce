/**
 * What a change of policy would have decided: the same inputs, evaluated with two bundles by the production host. Everything that a policy says
 * is compared: outcome, reasons, each key of each elevation, the response; faults also by their messages. Between one of ours and an
 * opa-envoy-plugin policy: what both have. Not compared: the effect of grants, since they are not in the input.
 */
import { isDeepStrictEqual } from "node:util";
import type { AskedBundle } from "../asked/asked-bundle.ts";
import { differencesBetween } from "../asked/differences.ts";
import { type Statement, statementOf } from "../asked/said.ts";
import type { RecordedInput } from "./recorded-inputs.ts";

type Difference = { readonly name: string; readonly before: Statement; readonly after: Statement };

type Comparison = {
  readonly compared: number;
  /** In the order of the inputs. */
  readonly differences: readonly Difference[];
  /** Of the most expensive evaluation. */
  readonly mostFuel: { readonly before: number; readonly after: number };
};

type Asked = Pick<AskedBundle, "ask">;

export function compareBundles(before: Asked, after: Asked, inputs: readonly RecordedInput[]): Comparison {
  const differences: Difference[] = [];
  const mostFuel = { before: 0, after: 0 };
  for (const { name, json, nowNs } of inputs) {
    const one = before.ask(json, { nowNs });
    const other = after.ask(json, { nowNs });
    mostFuel.before = Math.max(mostFuel.before, one.fuelUsed);
    mostFuel.after = Math.max(mostFuel.after, other.fuelUsed);
    const difference = { name, before: statementOf(one.said), after: statementOf(other.said) };
    if (isDifference(difference)) differences.push(difference);
  }
  return { compared: inputs.length, differences, mostFuel };
}

function isDifference({ before, after }: Difference): boolean {
  if (differencesBetween(before, after).length > 0) return true;
  return before.isFault && before.mode === after.mode && before.text !== after.text;
}

/** What is not the same of two statements of one outcome, as `path: before → after`; for outcomes that differ, both lines. */
export function differenceLines({ before, after }: Difference): readonly string[] {
  const parts = differencesBetween(before, after).filter((part) => part !== "fault" && part !== "outcome");
  if (parts.length === 0 || parts.includes("reasons")) return [`- ${before.text}`, `+ ${after.text}`];
  const paths = parts.flatMap((part) => changedPaths(before.parts[part], after.parts[part], part));
  return [`  ${before.text}`, ...paths];
}

function changedPaths(before: unknown, after: unknown, path: string): readonly string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [`  ${path}: ${shown(before)} → ${shown(after)}`];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => changedPaths(memberOf(before, name), memberOf(after, name), `${path}.${name}`));
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** NB: own members only; metadata may name `__proto__`. */
function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? typeof value);
}
