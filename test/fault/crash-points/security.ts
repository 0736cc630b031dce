/** Security at work: incidents opened and closed, and what nobody could read looked after. */
import { TOPICS } from "../../../core/messages/topics.ts";
import { textAt } from "../../../platform/programs/client.ts";
import { listAt, members } from "../../../sample/story/see.ts";
import { recordsOf } from "../../harness/system/topics.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./ledger.ts";
import { setBack } from "./set-back.ts";

/** Opened under a key, so once however often it is asked for. */
export async function raiseIncident(hands: Hands): Promise<void> {
  const { system, ledger, surely } = hands;
  const { approvals } = await system.as("sam");
  const key = crypto.randomUUID();
  const headers = { "idempotency-key": key };
  const body = { severity: "low", scope: "elsewhere", title: "Somebody kills the services" };
  ledger.incidentsUnknown += 1;
  const opened = await surely(
    () => approvals("POST", "/v1/incidents", { body, headers }),
    ({ status }) => status !== 201,
  );
  if (opened === undefined) return;
  ledger.incidentsUnknown -= 1;
  ledger.spentKeys.add(key);
  const incident = textAt(opened.body, "id");
  const steps = new Set(["incident.opened"]);
  ledger.incidents.set(incident, steps);
  if (ledger.incidents.size % 4 === 0 && !(await setBack(hands, "incidents", incident))) return;
  const closed = await surely(
    () => approvals("POST", `/v1/incidents/${incident}/close`, { body: {} }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (closed === undefined) return;
  steps.add("incident.closed");
  // Once more: nothing happens, and the key is free again.
  const again = { "idempotency-key": crypto.randomUUID() };
  await surely(
    () => approvals("POST", `/v1/incidents/${incident}/close`, { body: {}, headers: again }),
    ({ body: said }) => String(members(said, "type")["type"]).endsWith("idempotency_key_in_use"),
  );
}

type Genuine = { readonly key: string; readonly value: Buffer; readonly headers: string };

/** What nobody can read is tried once more and dismissed; what could not be read and can now is taken. */
export function createQuarantineWatch({ system, ledger, surely }: Hands): () => Promise<void> {
  let genuine: Genuine | undefined;

  async function replay(id: string) {
    const { approvals } = await system.as("sam");
    const key = crypto.randomUUID();
    const answer = await surely(
      () => approvals("POST", `/v1/quarantine/${id}/replay`, { headers: { "idempotency-key": key } }),
      ({ status }) => status === 409,
    );
    if (answer !== undefined) ledger.spentKeys.add(key);
    return answer;
  }

  async function lookAtOne(): Promise<void> {
    const { approvals } = await system.as("sam");
    const listed = await surely(
      () => approvals("GET", "/v1/quarantine?state=open&limit=1"),
      ({ status }) => status !== 200,
    );
    const [found] = listed === undefined ? [] : listAt(listed.body, "items");
    const { id } = members(found, "id");
    if (typeof id !== "string") return;
    await replay(id);
    const dismissed = await surely(
      () => approvals("POST", `/v1/quarantine/${id}/dismiss`, { body: { reason: "nobody can read it" } }),
      () => false,
    );
    // Not there any more: dismissed by a call whose answer was lost, and forgotten since.
    if (dismissed?.status === 200 || dismissed?.status === 404) ledger.dismissed.add(id);
  }

  async function mendOne(): Promise<void> {
    genuine ??= await genuineDenial(system);
    if (genuine === undefined) return;
    const { key, value, headers } = genuine;
    const mended = crypto.randomUUID();
    await ask(
      system,
      `insert into quarantine (id, topic, partition, record_offset, record_key, record_value, headers, reason, detail)
       values ($1, $2, 0, 0, $3, $4, $5, 'unknown_key', 'its key was not known then')`,
      [mended, TOPICS.denials.name, key, value, headers],
    );
    const taken = await replay(mended);
    if (taken?.status === 200) ledger.replayed.add(mended);
  }

  return async () => {
    await lookAtOne();
    await mendOne();
  };
}

/** The record of a denial that was asked for, as it stands on the stream. */
async function genuineDenial(system: Hands["system"]): Promise<Genuine | undefined> {
  const { rows } = await ask<{ id: string }>(system, "select denial_id as id from requests limit 1");
  const [asked] = rows;
  if (asked === undefined) return undefined;
  const records = await recordsOf(system.kafka.settings, TOPICS.denials.name);
  const { key = null, value = null, headers } = records.find((record) => record.value?.includes(asked.id)) ?? {};
  if (key === null || value === null || headers === undefined) return undefined;
  const encoded = [...headers].map(([name, bytes]) => [name, Buffer.from(bytes).toString("base64")]);
  return { key, value: Buffer.from(value), headers: JSON.stringify(encoded) };
}
