/** Runs `cli/verify.ts` as an auditor would: as a program of its own. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const VERIFY = join(import.meta.dirname, "..", "..", "cli", "verify.ts");

export type Verified = { readonly exitCode: number; readonly text: string };

/** `input` is given on standard input. */
export async function runVerify(args: readonly string[], input = ""): Promise<Verified> {
  const child = spawn(process.execPath, [VERIFY, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<number>((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  child.stdin.end(input);
  return { text: await text(child.stdout), exitCode: await ended };
}
