/**
 * The place up to which decisions are read is no more, or lies before what the topic still holds, as after a retention that was too short.
 * Records go only up to that place, so nobody loses one; where the next one comes, it is found, and the place is written anew.
 */
import { TOPICS } from "../../../core/messages/topics.ts";
import { forgetRecords } from "../forging.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";
import { read } from "./people.ts";

const TOPIC = TOPICS.decisions.name;

export function loseOffsets(hands: Hands): Promise<void> {
  return change(hands, "delete from offsets where topic = $1 and partition = $2 and next_offset >= $3");
}

export function setOffsetsBack(hands: Hands): Promise<void> {
  const back =
    "update offsets set next_offset = $3::bigint - 1 where topic = $1 and partition = $2 and next_offset >= $3";
  return change(hands, back);
}

async function change(hands: Hands, text: string): Promise<void> {
  const { system } = hands;
  const { rows } = await ask<{ partition: number; next_offset: string }>(
    system,
    "select partition, next_offset from offsets where topic = $1 and next_offset > 0",
    [TOPIC],
  );
  // None where another has just lost them: what is read next writes them anew.
  if (rows.length > 0) {
    await forgetRecords(system.kafka.settings, TOPIC, new Map(rows.map((row) => [row.partition, row.next_offset])));
  }
  for (const { partition, next_offset: next } of rows) await ask(system, text, [TOPIC, partition, next]);
  await read(hands);
}
