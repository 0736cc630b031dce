/** One Ctrl-C comes twice where npm passes its own on; another one, later, is meant. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { waitUntil } from "../../platform/programs/wait-until.ts";

/** Says `ready`, says `ending` at each call, repeats what it is told, and would go on for as long as it may be told something. */
const PROGRAM = `
  const { onEndingSignal } = await import(${JSON.stringify(join(import.meta.dirname, "ending-signals.ts"))});
  onEndingSignal(() => console.log("ending"));
  console.log("ready");
  process.stdin.pipe(process.stdout);
`;

test("signals that come at once are one; one that comes later ends the process", async () => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  const until = (text: string) => waitUntil(text, 50_000, () => said.endsWith(text));
  /** It lives, and has heard each signal before: one that ends it does so before it can answer, and others are heard a turn later at most. */
  const answers = async () => {
    for (const text of ["a\n", "b\n"]) {
      child.stdin.write(text);
      await until(text);
    }
  };
  await until("ready\n");
  child.kill("SIGINT");
  await until("ending\n");
  for (const signal of ["SIGINT", "SIGTERM"] as const) child.kill(signal);
  await answers();
  expect(said).toBe("ready\nending\na\nb\n");
  const ended = once(child, "exit");
  const again = setInterval(() => child.kill("SIGINT"), 100);
  expect(await ended).toEqual([null, "SIGINT"]);
  clearInterval(again);
});
