/**
 * A program of the benchmarks as a process of its own: it is given one JSON value, and answers with one line of JSON on its output. One that has much to
 * prepare says when it is ready, and begins when it is told: so that several begin at one moment, and nobody is measured while others prepare.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

type Child = {
  readonly pid: number;
  /** Rejects when it ends with anything but 0. */
  readonly answer: Promise<unknown>;
  /** That it waits in `untilTold`. Rejects when it ends before. */
  readonly ready: Promise<void>;
  begin(): void;
};

export function startChild(file: string, given: unknown, nodeOptions: readonly string[] = []): Child {
  const child = spawn(process.execPath, [...nodeOptions, file], {
    stdio: ["pipe", "pipe", "inherit", "ipc"],
  });
  const { pid, stdin, stdout } = child;
  if (pid === undefined || stdin === null || stdout === null) throw new Error(`${file} cannot be started`);
  stdin.end(JSON.stringify(given));
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`${file} ended with ${code}`))));
  });
  const answer = Promise.all([text(stdout), ended]).then(([said]): unknown => JSON.parse(said));
  const ready = new Promise<void>((resolve, reject) => {
    child.once("message", () => resolve());
    ended.then(() => reject(new Error(`${file} ended without being told to begin`)), reject);
  });
  for (const outcome of [answer, ready]) outcome.catch(() => {}); // whoever asked for it sees it
  return { pid, answer, ready, begin: () => child.send("begin") };
}

/** In such a program: what it was given. */
export async function given(): Promise<unknown> {
  return JSON.parse(await text(process.stdin));
}

/** In such a program: all is prepared. */
export async function untilTold(): Promise<void> {
  process.send?.("ready");
  await once(process, "message");
  process.disconnect();
}

/** In such a program: the one line. */
export function answerWith(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
