/**
 * The state topic held against the database: what a decision service that starts now would believe, and what is true. Signatures are
 * checked as a reader checks them; the last heartbeat's set hash is computed again from the rows.
 */
import { readFile } from "node:fs/promises";
import pg from "pg";
import type { Grant } from "../../core/domain/grant.ts";
import { createStateView } from "../../core/domain/state-view.ts";
import { openEnvelope } from "../../core/messages/envelope.ts";
import { isProfileKey } from "../../core/messages/profile-record.ts";
import { setHashOf, setHashText, stateRecordHash } from "../../core/messages/record-keys.ts";
import { createVerifier } from "../../core/messages/signing.ts";
import { EARLIER_HEARTBEAT_KEY, HEARTBEAT_KEY, readGrant, readHeartbeat } from "../../core/messages/state-record.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { StreamRecord } from "../../platform/stream/port.ts";
import { recordsIn } from "../harness/system/topics.ts";
import type { System } from "../harness/system.ts";

const TOPIC = TOPICS.state.name;

/** What stands last under a key: a tombstone, a signed record, or something that no reader takes. */
type Standing =
  | { readonly kind: "tombstone" }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "signed"; readonly version: number; readonly grant: Grant | undefined };

type StateTopic = {
  readonly records: readonly StreamRecord[];
  readonly last: ReadonlyMap<string, Standing>;
  /** Of the last heartbeat with a good signature. */
  readonly setHash: string | undefined;
};

async function readStateTopic(system: Pick<System, "openStream" | "keys" | "deployment">): Promise<StateTopic> {
  const relay = system.keys.get("approval");
  if (relay === undefined) throw new Error("no key of the state relay");
  const verifier = createVerifier(new Map([[relay.kid, await readFile(relay.publicPath, "utf8")]]));
  await using stream = system.openStream();
  const records = await recordsIn(stream, TOPIC);
  const last = new Map<string, Standing>();
  let setHash: string | undefined;
  for (const record of records) {
    const { key, value } = record;
    if (key === null || key === EARLIER_HEARTBEAT_KEY) continue;
    const opened = openEnvelope(verifier, { deployment: system.deployment, topic: TOPIC, key }, record);
    if (key === HEARTBEAT_KEY) {
      const heartbeat = opened.kind === "opened" ? readHeartbeat(opened.payload) : undefined;
      if (heartbeat?.kind === "parsed") setHash = setHashText(heartbeat.value.setHash);
    } else if (value === null) last.set(key, { kind: "tombstone" });
    else if (opened.kind === "fault") last.set(key, { kind: "refused", reason: opened.reason });
    else {
      const grant = readGrant(opened.payload);
      last.set(key, {
        ...{ kind: "signed", version: opened.version },
        grant: grant.kind === "parsed" ? grant.value : undefined,
      });
    }
  }
  return { records, last, setHash };
}

/** One sentence for each thing in which the topic differs from the database; none when it says the truth. */
export async function differencesFromTruth(system: System): Promise<readonly string[]> {
  const topic = await readStateTopic(system);
  const { rows } = await ask<{ id: string; version: number; state: string; uses: number }>(
    system,
    "select id, version, state, uses from grants where tombstoned_at is null",
  );
  const found: string[] = [];
  const set = createStateView<undefined>(stateRecordHash);
  for (const { id, version, state, uses } of rows) {
    const key = `grant/${id}`;
    set.apply({ key, version, value: undefined });
    const standing = topic.last.get(key);
    const grant = standing?.kind === "signed" ? standing.grant : undefined;
    const same = grant?.id === id && grant.version === version && grant.state === state && grant.uses === uses;
    if (!same || standing?.kind !== "signed" || standing.version !== version)
      found.push(`${key} is ${state} with ${uses} uses at version ${version}; last stands ${JSON.stringify(standing)}`);
  }
  const known = new Set(rows.map(({ id }) => `grant/${id}`));
  const { rows: incidents } = await ask<{ key: string; version: number }>(
    system,
    "select 'incident/' || id as key, version from incidents where tombstoned_at is null",
  );
  for (const { key, version } of incidents) {
    set.apply({ key, version, value: undefined });
    known.add(key);
    const standing = topic.last.get(key);
    if (standing?.kind !== "signed" || standing.version !== version)
      found.push(`${key} is at version ${version}; last stands ${JSON.stringify(standing)}`);
  }
  for (const [key, standing] of topic.last) {
    const isKnown = known.has(key) || isProfileKey(key);
    if (!isKnown && standing.kind === "signed") found.push(`${key} is no grant or incident, but is signed`);
  }
  if (topic.setHash !== setHashText(setHashOf(set.sum()))) found.push("the last heartbeat says another set");
  return found;
}

/** One query on a connection of its own. */
export async function ask<Row extends pg.QueryResultRow>(
  { database }: Pick<System, "database">,
  text: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> {
  const client = new pg.Client(database.connectionString);
  await client.connect();
  try {
    return await client.query<Row>(text, [...values]);
  } finally {
    await client.end();
  }
}
