/**
 * `npm run demo`: plays the story on a fresh set on this machine, as `npm start` starts it; `-- --real` on Envoy, Kafka and
 * PostgreSQL. Tells what is expected and what is seen, and ends with 1 at the first difference. Leaves nothing behind.
 */
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aborted } from "../platform/aborted.ts";
import { createLog } from "../platform/log/log.ts";
import { scriptArguments } from "../platform/programs/script-arguments.ts";
import { canStartSystem, startSystem } from "../test/harness/system.ts";
import { onEndingSignal } from "./one-machine/ending-signals.ts";
import { startOneMachine } from "./one-machine/set.ts";
import { unsupported } from "./one-machine/unsupported.ts";
import { oneMachineStage } from "./story/one-machine-stage.ts";
import { realStage } from "./story/real-stage.ts";
import type { Stage } from "./story/stage.ts";
import { play } from "./story/story.ts";
import { createTeller, WrongSight } from "./story/teller.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);

/** By Ctrl-C: everything that was started is ended, and nothing stays. */
const interrupted = new AbortController();
onEndingSignal(() => interrupted.abort(new Error("interrupted")));

async function playOn(stage: Stage, logs: () => Promise<string>): Promise<number> {
  try {
    const ended = await Promise.race([
      play(stage, createTeller(say)),
      aborted(interrupted.signal).then(() => "by_signal"),
    ]);
    if (ended === "by_signal") return 130;
  } catch (error) {
    say(`\n${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof WrongSight)) say(await logs());
    return 1;
  }
  say("\nThe story is as expected.");
  return 0;
}

async function onRealParts(): Promise<number> {
  if (!(await canStartSystem())) {
    say("Envoy or Kafka is missing: npm run tools fetches them, and says what else has to be there.");
    return 2;
  }
  say("Starting Kafka, PostgreSQL, two token issuers, the orders API, the services and Envoy …");
  const begin = performance.now();
  await using system = await startSystem();
  say(`… ready after ${seconds(begin)}; clients call ${system.proxyUrl}`);
  return await playOn(realStage(system), () => system.logs());
}

async function onOneMachine(): Promise<number> {
  const refusal = unsupported(false);
  if (refusal !== undefined) {
    say(refusal);
    return 2;
  }
  say("Starting PostgreSQL, a token issuer, the orders API, the services and the gateway …");
  const begin = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "countersign-demo-"));
  await chmod(folder, 0o711); // as root PostgreSQL runs as somebody else, who has to pass
  try {
    const log = createLog({ name: "demo", level: "silent" });
    await using set = await startOneMachine(
      { log, say: () => {} },
      { folder, anyPorts: true, signal: interrupted.signal },
    );
    say(`… ready after ${seconds(begin)}; clients call http://127.0.0.1:${set.ports.gateway}`);
    const tails = async () => (await Promise.all([...set.programs.values()].map(({ tail }) => tail()))).join("\n---\n");
    return await playOn(oneMachineStage(set, folder), tails);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1_000).toFixed(1)} s`;
}

const { values } = scriptArguments("npm run demo -- [--real]   (--real: on Envoy, Kafka and PostgreSQL)", {
  options: { real: { type: "boolean" } },
});
process.exitCode = await (values.real === true ? onRealParts() : onOneMachine()).catch((error: unknown) => {
  if (interrupted.signal.aborted) return 130; // while it was starting
  throw error;
});
