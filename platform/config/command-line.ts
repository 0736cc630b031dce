/**
 * The command line of every service: `--config FILE` and `--check-config`. Nothing else is set there, because every user of the machine can see a
 * command line.
 *
 * A program may be started before the things it needs exist: with START_AFTER_FD=3 it loads its modules, then waits for the end of descriptor 3,
 * a pipe, before it reads or does anything (platform/programs/program.ts).
 */
import { once } from "node:events";
import { Socket } from "node:net";
import { parseArgs } from "node:util";
import type { Static, TObject } from "typebox";
import { EX_CONFIG } from "./exit-code.ts";
import { unreadableFiles } from "./files.ts";
import { describeFaults, loadConfig } from "./load.ts";
import type { Rule } from "./rules.ts";

export type Started<T> =
  | { readonly kind: "run"; readonly config: T }
  /** To be said (`sayInstead`) instead of running. */
  | { readonly kind: "exit"; readonly code: number; readonly text: string };

/** Prints an answer (code 0), or what is wrong; the code to end with. */
export function sayInstead({ code, text }: Extract<Started<unknown>, { kind: "exit" }>): number {
  (code === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  return code;
}

/** A program begins once, and reads its configuration again whenever it is told to. */
let begun: Promise<unknown> | undefined;

/** Reads arguments (without node and script) and configuration. Never rejects. */
export async function configFromCommandLine<S extends TObject>(options: {
  readonly args: readonly string[];
  readonly schema: S;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly prefix: string;
  readonly rules?: readonly Rule<Static<S>>[];
}): Promise<Started<Static<S>>> {
  let values: { config?: string; "check-config"?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...options.args],
      options: { config: { type: "string" }, "check-config": { type: "boolean" } },
      strict: true,
    }));
  } catch (error) {
    return { kind: "exit", code: EX_CONFIG, text: `${String(error)}\nusage: [--config FILE] [--check-config]` };
  }
  const { START_AFTER_FD } = options.env;
  if (START_AFTER_FD !== undefined) await (begun ??= endOf(Number(START_AFTER_FD)));
  const file = values.config;
  const loaded = await loadConfig({ ...options, ...(file === undefined ? {} : { file }) });
  if (loaded.kind === "invalid") return { kind: "exit", code: EX_CONFIG, text: describeFaults(loaded.faults) };
  if (values["check-config"] === true) {
    return { kind: "exit", code: 0, text: checked(await unreadableFiles(options.schema, loaded.config)) };
  }
  return { kind: "run", config: loaded.config };
}

/** NB: no fault: it may be the configuration of another machine. */
function checked(unreadable: readonly string[]): string {
  if (unreadable.length === 0) return "configuration is valid; the files that it names are there, and were not opened";
  return ["configuration is valid; of the files that it names these cannot be read here:", ...unreadable].join("\n");
}

/** Resolves when the other side is closed, also by the end of whoever had it. */
function endOf(fd: number): Promise<unknown> {
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.on("error", () => {}); // then it is closed too
  return once(pipe.resume(), "close");
}
