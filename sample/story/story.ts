/** The story that every part serves (docs/approval-lifecycle.md), played on a stage and told as it goes. */
import { approving } from "./approving.ts";
import { ends } from "./ends.ts";
import { limits } from "./limits.ts";
import { outages } from "./outages.ts";
import { record } from "./record.ts";
import type { Stage } from "./stage.ts";
import type { Teller } from "./teller.ts";

/** @throws WrongSight at the first thing that is not as expected. */
export async function play(stage: Stage, tell: Teller): Promise<void> {
  const first = await approving(stage, tell);
  await limits(stage, tell);
  await ends(stage, tell);
  await record(stage, tell, first);
  await outages(stage, tell);
}
