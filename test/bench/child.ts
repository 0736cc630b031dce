/** A program of the benchmarks as a process of its own: it is given one JSON value, and answers with one line of JSON on its output. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";

type Child = {
  readonly pid: number;
  /** Rejects when it ends with anything but 0. */
  readonly answer: Promise<unknown>;
};

export function startChild(file: string, given: unknown, nodeOptions: readonly string[] = []): Child {
  const child = spawn(process.execPath, [...nodeOptions, file], { stdio: ["pipe", "pipe", "inherit"] });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${file} cannot be started`);
  child.stdin.end(JSON.stringify(given));
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
  const answer = Promise.all([text(child.stdout), ended]).then(([said]): unknown => JSON.parse(said));
  answer.catch(() => {}); // whoever asked for it sees it
  return { pid, answer };
}

/** In such a program: what it was given. */
export async function given(): Promise<unknown> {
  return JSON.parse(await text(process.stdin));
}

/** In such a program: the one line. */
export function answerWith(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
