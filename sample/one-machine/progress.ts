/**
 * What a start shows: a line for each part that stands, with the time since the beginning, and on a terminal below it what is still awaited.
 * Elsewhere nothing is ever taken back, so that a file or a pipe gets whole lines only.
 */
import { styleText } from "node:util";
import type { Said } from "./set.ts";

type Progress = {
  readonly show: (said: Said) => void;
  /** A line of its own, which the awaited parts stay below. */
  readonly line: (text: string) => void;
  /** Nothing is awaited any more. */
  readonly end: () => void;
  readonly elapsed: () => string;
};

type Output = Pick<NodeJS.WriteStream, "write" | "isTTY">;

const CLEAR_LINE = "\r\x1b[K";

export function createProgress(
  { output, monotonicMs }: { readonly output: Output; readonly monotonicMs: () => number } = {
    output: process.stdout,
    monotonicMs: () => performance.now(),
  },
): Progress {
  const begun = monotonicMs();
  const awaited = new Set<string>();
  const elapsed = () => `${((monotonicMs() - begun) / 1_000).toFixed(1)} s`;

  function line(text: string): void {
    const waiting = awaited.size === 0 ? "" : styleText("dim", `  … ${[...awaited].join(", ")}`);
    output.write(output.isTTY ? `${CLEAR_LINE}${text}\n${waiting}` : `${text}\n`);
  }

  return {
    elapsed,
    line,
    end() {
      if (output.isTTY && awaited.size > 0) output.write(CLEAR_LINE);
      awaited.clear();
    },
    show({ kind, what, detail }) {
      if (kind === "starting") {
        awaited.add(what);
        if (output.isTTY) output.write(`${CLEAR_LINE}${styleText("dim", `  … ${[...awaited].join(", ")}`)}`);
        return;
      }
      awaited.delete(what);
      if (kind === "ready") {
        const at = styleText("dim", elapsed().padStart(6));
        line(`${at} ${styleText("green", "✓")} ${what.padEnd(9)} ${styleText("dim", detail)}`.trimEnd());
      } else
        line(`       ${styleText(kind === "note" ? "yellow" : "red", kind === "note" ? "!" : "✗")} ${what} ${detail}`);
    },
  };
}
