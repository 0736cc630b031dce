/** One Ctrl-C comes twice where npm passes its own on; another one, later, is meant. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "@jest/globals";

/** Says `ready`, says `ending` at each call, and would go on for a minute. */
const PROGRAM = `
  const { onEndingSignal } = await import(${JSON.stringify(join(import.meta.dirname, "ending-signals.ts"))});
  onEndingSignal(() => console.log("ending"));
  console.log("ready");
  setTimeout(() => {}, 60_000);
`;

test("signals that come at once are one; one that comes later ends the process", async () => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  await once(child.stdout, "data");
  for (const signal of ["SIGINT", "SIGINT", "SIGTERM"] as const) {
    child.kill(signal);
    await sleep(20);
  }
  expect({ said, signal: child.signalCode }).toEqual({ said: "ready\nending\n", signal: null });
  const ended = once(child, "exit");
  const again = setInterval(() => child.kill("SIGINT"), 100);
  expect(await ended).toEqual([null, "SIGINT"]);
  clearInterval(again);
});
