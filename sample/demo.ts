/**
 * `npm run demo -- --real`: plays the story on a fresh set of the real parts, tells what is expected and what is seen, and
 * ends with 1 at the first difference. Leaves nothing behind.
 */
import { parseArgs } from "node:util";
import { canStartSystem, startSystem } from "../test/harness/system.ts";
import { realStage } from "./story/real-stage.ts";
import { play } from "./story/story.ts";
import { createTeller, WrongSight } from "./story/teller.ts";

const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { real: { type: "boolean" } } });
  if (values.real !== true) {
    say("There is no embedded set yet: npm run demo -- --real plays the story on Envoy, Kafka and PostgreSQL.");
    return 2;
  }
  if (!(await canStartSystem())) {
    say("Envoy or Kafka is missing: npm run tools fetches them, and says what else has to be there.");
    return 2;
  }
  say("Starting Kafka, PostgreSQL, two token issuers, the orders API, the services and Envoy …");
  const begin = performance.now();
  await using system = await startSystem();
  say(`… ready after ${((performance.now() - begin) / 1000).toFixed(1)} s; clients call ${system.proxyUrl}`);
  try {
    await play(realStage(system), createTeller(say));
  } catch (error) {
    say(`\n${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof WrongSight)) say(await system.logs());
    return 1;
  }
  say("\nThe story is as expected.");
  return 0;
}

process.exitCode = await main();
