/**
 * Runs one external program to its end and returns what it wrote. Never rejects: a program that is missing, fails or takes
 * too long is an ordinary outcome here, and its message is what people need to see.
 */
import { execFile } from "node:child_process";

export type CommandResult =
  | { readonly kind: "done"; readonly output: string }
  | { readonly kind: "failed"; readonly message: string };

type CommandOptions = {
  readonly timeoutMs: number;
  readonly cwd?: string;
  /** How many of the last lines a failure shows; 20 unless given. */
  readonly lines?: number;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
};

/** `output` is stdout and stderr together (`java -version` speaks on stderr); `message` holds the last lines of both. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      {
        timeout: options.timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        const output = `${stdout}${stderr}`;
        if (error === null) return resolve({ kind: "done", output });
        resolve({ kind: "failed", message: failure(command, error, output, options) });
      },
    );
  });
}

function failure(
  command: string,
  error: { readonly code?: string | number | null | undefined; readonly killed?: boolean | undefined },
  output: string,
  { timeoutMs, lines = 20 }: CommandOptions,
): string {
  if (error.code === "ENOENT") return `${command} is not installed`;
  const tail = output.trim().split("\n").slice(-lines).join("\n");
  if (error.killed === true) return `${command} took longer than ${timeoutMs / 1000} s\n${tail}`;
  return `${command} failed (${String(error.code)})\n${tail}`;
}
