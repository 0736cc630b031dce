/** Somebody who may write to the state topic, and has no key, writes over what stands last of something that has ended: it is said again. */
import { TOPICS } from "../../../core/messages/topics.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";
import { raiseIncident } from "./incidents.ts";
import { revoke } from "./people.ts";

export async function overwriteGrant(hands: Hands): Promise<void> {
  await revoke(hands);
  const { rows } = await ask<{ id: string }>(
    hands.system,
    `select id from grants where state in ('consumed', 'expired', 'revoked') and published_version = version
        and tombstoned_at is null order by id desc limit 1`,
  );
  const [ended] = rows;
  if (ended !== undefined) await overwrite(hands, `grant/${ended.id}`);
}

export async function overwriteIncident(hands: Hands): Promise<void> {
  const incident = await raiseIncident(hands);
  if (incident === undefined) return;
  await hands.change("select from incidents where id = $1 and published_version = version", [incident]);
  await overwrite(hands, `incident/${incident}`);
}

async function overwrite({ forger }: Hands, key: string): Promise<void> {
  await forger.write({ topic: TOPICS.state.name, key, value: Buffer.from("garbage") });
}
