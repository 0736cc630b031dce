/**
 * The approval service with its readers of denials and decisions, and the pen of a decision service whose key is trusted when the test says
 * so: until then what it signs is set aside.
 */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { type EnvelopeForm, sealEnvelope } from "../../../core/messages/envelope.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import type { TakeRecord } from "../../../services/approval/intake/consumer.ts";
import { createDecisionReader } from "../../../services/approval/intake/decisions.ts";
import { createDenialReader } from "../../../services/approval/intake/denials.ts";
import { createIntakeEvents } from "../../../services/approval/intake/events.ts";
import { type ReadRecord, withQuarantine } from "../../../services/approval/intake/quarantine.ts";
import { storedOffset } from "../../../services/approval/store/offsets.ts";
import { account, denialFor } from "./approval-fixture.ts";
import { silent } from "./migrated-database.ts";
import { createRestApproval, type RestParts, tokenOf } from "./rest-fixture.ts";

const DEPLOYMENT = "test";
/** Stands wherever a record can hold text, and must never be shown. */
export const CANARY = "CANARY0-secret-4711";
const pair = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-new", pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const publicKeys = new Map([["pdp-new", pair.publicKey.export({ type: "spki", format: "pem" }).toString()]]);
const nobody = createVerifier(new Map());
const known = createVerifier(publicKeys);

export const sam = tokenOf("sam", ["security"]);

export type Quarantine = Awaited<ReturnType<typeof createQuarantine>>;

/** `policy` in place of the committed bundle. */
export async function createQuarantine({ policy }: Pick<RestParts, "policy"> = {}) {
  let trusted = nobody;
  const readers = new Map<string, ReadRecord>();
  const rest = await createRestApproval({
    ...(policy === undefined ? {} : { policy }),
    readersOf({ commands: { acceptDenial: accept, recordDecisions: record } }) {
      const verifier: typeof nobody = { verify: (...args) => trusted.verify(...args) };
      readers.set(TOPICS.denials.name, createDenialReader({ verifier, accept }, { deployment: DEPLOYMENT }));
      readers.set(TOPICS.decisions.name, createDecisionReader({ verifier, record }, { deployment: DEPLOYMENT }));
      return readers;
    },
  });
  const events = createIntakeEvents({ metrics: createMetrics({ prefix: "t_" }), log: silent });
  const { quarantine } = rest.commands;
  const take: TakeRecord = (record, position) => {
    const read = readers.get(record.topic);
    if (read === undefined) throw new Error(`no reader of ${record.topic}`);
    return withQuarantine(read, { quarantine, events })(record, position);
  };

  /** Takes a signed record as intake would; says under which id it was set aside, or undefined when it was taken. */
  async function deliver(
    topic: string,
    key: string,
    payload: object,
    form: EnvelopeForm = "payload",
  ): Promise<string | undefined> {
    const from = await storedOffset(rest.database, topic, 0, 0n);
    const sealed = sealEnvelope(
      signer,
      { deployment: DEPLOYMENT, topic, key },
      0,
      Buffer.from(JSON.stringify(payload)),
      form,
    );
    const headers = new Map([...sealed.headers].map(([name, text]): [string, Buffer] => [name, Buffer.from(text)]));
    const record: StreamRecord = {
      topic,
      partition: 0,
      offset: from,
      key,
      value: sealed.value,
      headers,
      timestampMs: 0,
    };
    await take(record, { topic, partition: 0, from, next: from + 1n });
    const { rows } = await rest.database.query<{ id: string }>(
      "select id from quarantine where topic = $1 and record_offset = $2",
      [topic, from.toString()],
    );
    return rows[0]?.id;
  }

  return {
    rest,
    deliver,
    /** The key is trusted from now on, as after a restart with another configuration. */
    trustKey() {
      trusted = known;
    },
    trustNobody() {
      trusted = nobody;
    },
    async denialSetAside() {
      const now = await rest.store.reads.now();
      const subject = { ...account(randomUUID()), claims: { note: CANARY, [CANARY]: 1 } };
      const denial = denialFor(subject, now, { justification: `${CANARY} is why` });
      const id = await deliver(TOPICS.denials.name, denial.key, denialToWire(denial));
      if (id === undefined) throw new Error("it was taken");
      return { id, denial };
    },
    dismiss: (id: string, token = sam, headers: Record<string, string> = {}) =>
      rest.call("POST", `/v1/quarantine/${id}/dismiss`, {
        token,
        headers,
        body: { reason: "forged, and nobody's key" },
      }),
    replay: (id: string, token = sam) => rest.call("POST", `/v1/quarantine/${id}/replay`, { token }),
    /** What is on record of this one, oldest first. */
    async eventsOf(id: string): Promise<readonly Record<string, unknown>[]> {
      const { rows } = await rest.database.query<{ data: Record<string, unknown>; type: string }>(
        `select event -> 'data' as data, event ->> 'type' as type from outbox
          where event -> 'data' ->> 'quarantine_id' = $1 order by id`,
        [id],
      );
      return rows.map(({ data, type }) => ({ type, outcome: data["outcome"], reason: data["reason"], by: data["by"] }));
    },
    close: () => rest.close(),
  };
}
