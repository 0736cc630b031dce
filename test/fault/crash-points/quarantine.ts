/** What nobody could read is looked after by security: tried again, dismissed, and taken where it can be read now. */
import { TOPICS } from "../../../core/messages/topics.ts";
import type { Answer } from "../../../platform/programs/client.ts";
import { listAt, members } from "../../../sample/story/see.ts";
import { recordsIn } from "../../harness/system/topics.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";

/** One more record that nobody can read. */
export async function writeGarbage({ forger, ledger }: Hands): Promise<void> {
  const value = Buffer.from(`garbage ${ledger.forged}`);
  await forger.write({ topic: TOPICS.denials.name, key: "nobody", value });
  ledger.forged += 1;
}

/** It is as unreadable as before. */
export async function replayInVain(hands: Hands): Promise<void> {
  const id = await findOpen(hands);
  if (id !== undefined) await replay(hands, id);
}

export async function dismissRecord(hands: Hands): Promise<void> {
  const { system, ledger, surely } = hands;
  const id = await findOpen(hands);
  if (id === undefined) return;
  const { approvals } = await system.as("sam");
  const dismissed = await surely(
    () => approvals("POST", `/v1/quarantine/${id}/dismiss`, { body: { reason: "nobody can read it" } }),
    (answer) => answer.status !== 200 && !isProblem(answer, "already_taken"),
  );
  // The newest may be one that is mended, and it was taken meanwhile.
  if (dismissed?.status === 200) ledger.dismissed.add(id);
}

/** A denial whose key was not known then is taken now. It is one that was asked for, so nothing comes of it twice. */
export async function replayMended(hands: Hands): Promise<void> {
  const { system, ledger } = hands;
  const { key, value, headers } = await genuineDenial(hands);
  const mended = crypto.randomUUID();
  await ask(
    system,
    `insert into quarantine (id, topic, partition, record_offset, record_key, record_value, headers, reason, detail)
     values ($1, $2, 0, 0, $3, $4, $5, 'unknown_key', 'its key was not known then')`,
    [mended, TOPICS.denials.name, key, value, headers],
  );
  if ((await replay(hands, mended))?.status === 200) ledger.replayed.add(mended);
}

async function replay({ system, surelyOnce }: Hands, id: string) {
  const { approvals } = await system.as("sam");
  return surelyOnce(
    (headers) => approvals("POST", `/v1/quarantine/${id}/replay`, { headers }),
    // Dismissed by somebody meanwhile: there is nothing left to replay.
    (answer) => answer.status !== 200 && !isProblem(answer, "record_dismissed"),
  );
}

function isProblem({ body }: Answer, name: string): boolean {
  return String(members(body, "type")["type"]).endsWith(name);
}

/** The newest that nobody has looked at. */
async function findOpen(hands: Hands): Promise<string | undefined> {
  await writeGarbage(hands);
  const { approvals } = await hands.system.as("sam");
  const listed = await hands.surely(
    () => approvals("GET", "/v1/quarantine?state=open&limit=1"),
    ({ status, body }) => status !== 200 || listAt(body, "items").length === 0,
  );
  const [found] = listed === undefined ? [] : listAt(listed.body, "items");
  const { id } = members(found, "id");
  return typeof id === "string" ? id : undefined;
}

type Genuine = { readonly key: string; readonly value: Buffer; readonly headers: string };

const found = new WeakMap<Hands["system"], Promise<Genuine>>();

/** The record of a denial that was asked for, as it stands on the stream: found once. */
function genuineDenial(hands: Hands): Promise<Genuine> {
  const genuine = found.get(hands.system) ?? findGenuineDenial(hands);
  found.set(hands.system, genuine);
  return genuine;
}

async function findGenuineDenial({ system, submit }: Hands): Promise<Genuine> {
  await submit();
  const { rows } = await ask<{ id: string }>(system, "select denial_id as id from requests limit 1");
  await using stream = system.openStream();
  const records = await recordsIn(stream, TOPICS.denials.name);
  const record = records.find(({ value }) => value?.includes(rows[0]?.id ?? "nothing was asked for"));
  const { key = null, value = null, headers } = record ?? {};
  if (key === null || value === null || headers === undefined) throw new Error("no denial stands on its topic");
  const encoded = [...headers].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
  return { key, value: Buffer.from(value), headers: JSON.stringify(encoded) };
}
