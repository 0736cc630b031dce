/** A verdict as text, one line per log, and whether it is good. */
import { unreachable } from "../../core/domain/app-error.ts";
import type { LogVerdict, Verdict } from "./chain.ts";

type Report = { readonly text: string; readonly good: boolean };

/** Not good: a broken log, something unreadable, or nothing at all, which proves nothing. */
export function reportOf(verdict: Verdict): Report {
  const lines = verdict.logs.map((log) => `${log.log}: ${describe(log)}`);
  for (const { place, detail } of verdict.unreadable) lines.push(`${place}: not an audit event: ${detail}`);
  if (lines.length === 0) lines.push("no audit event found");
  const good =
    verdict.logs.length > 0 && verdict.unreadable.length === 0 && verdict.logs.every((log) => log.kind !== "broken");
  return { text: lines.map((line) => `${printable(line)}\n`).join(""), good };
}

function describe(verdict: LogVerdict): string {
  switch (verdict.kind) {
    case "whole":
      return `whole (${range(verdict)})${beginning(verdict)}`;
    case "tail_unknown":
      return `tail unknown (${range(verdict)}; not closed)${beginning(verdict)}`;
    case "broken":
      return `broken at index ${verdict.index}: ${verdict.reason}`;
    default:
      throw unreachable(verdict satisfies never);
  }
}

function range({ first, last }: { readonly first: number; readonly last: number }): string {
  const count = last - first + 1;
  return `${count} ${count === 1 ? "event" : "events"}, ${first}..${last}`;
}

function beginning({ first, unjudged = 0 }: { readonly first: number; readonly unjudged?: number }): string {
  const late = unjudged === 0 ? "" : `, where ${unjudged} came late and cannot be judged`;
  return first === 0 ? "" : `, not known before ${first}${late}`;
}

/** What an input claims as a log id goes to a terminal: nothing in it may steer one. */
function printable(line: string): string {
  return line.replace(/[^\x20-\x7e]/g, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
