/**
 * Records for the state topic that no honest relay would write now, each as it would have to look to be taken for a live grant: replayed,
 * signed by somebody else, moved from another place, late, or of a shape that nobody knows. What a key of the relay's own could do beyond
 * that (grants that nobody issued) no reader can tell from the truth.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { ENVELOPE_HEADERS, sealEnvelope } from "../../core/messages/envelope.ts";
import { createSigner, type Signer } from "../../core/messages/signing.ts";
import { EARLIER_HEARTBEAT_KEY, GrantRecordSchema, HEARTBEAT_KEY } from "../../core/messages/state-record.ts";
import { createParser } from "../../core/messages/parse.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { OutgoingRecord, StreamRecord } from "../../platform/stream/port.ts";
import type { System } from "../harness/system.ts";

const topic = TOPICS.state.name;
const parseGrant = createParser(GrantRecordSchema);

type Forgery = { readonly name: string; readonly record: OutgoingRecord };

/** The signers that a forger may have: the relay's own key late or elsewhere, a decision service's, and keys that nobody knows. */
export async function signersOf({ keys }: Pick<System, "keys">) {
  const stored = async (kid: string, name = kid): Promise<Signer> => {
    const files = keys.get(kid);
    if (files === undefined) throw new Error(`no key ${kid}`);
    return createSigner(name, await readFile(files.privatePath, "utf8"));
  };
  const stranger = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return {
    relay: await stored("approval"),
    decision: await stored("decision-1"),
    /** The decision service's key under the name of the relay's. */
    decisionAsRelay: await stored("decision-1", "approval"),
    stranger: createSigner("stranger", stranger),
    strangerAsRelay: createSigner("approval", stranger),
    strangerAsDecision: createSigner("decision-1", stranger),
  };
}

export type Signers = Awaited<ReturnType<typeof signersOf>>;

/** The record again, byte for byte. */
export function again({ key, value, headers }: StreamRecord): OutgoingRecord {
  return { topic, key: key ?? "", value, headers };
}

/**
 * All of them for one key. `active` is the record that once said that the grant was live, `version` the newest of the key, `other` a
 * record of another key with a good signature.
 */
export function stateForgeries(
  { active, version, other }: { readonly active: StreamRecord; readonly version: number; readonly other: StreamRecord },
  signers: Signers,
  deployment: string,
): readonly Forgery[] {
  const { key, value, headers } = active;
  if (key === null || value === null) throw new Error("not a record of a grant");
  const parsed = parseGrant(value);
  if (parsed.kind === "malformed") throw new Error(parsed.detail);
  const live = (signer: Signer, at = version, place = deployment): OutgoingRecord => ({
    ...{ topic, key },
    ...sealEnvelope(signer, { deployment: place, topic, key }, at, bytesOf({ ...parsed.value, version: at })),
  });
  const relaySays = (payload: object): OutgoingRecord => ({
    ...{ topic, key },
    ...sealEnvelope(signers.relay, { deployment, topic, key }, version, bytesOf(payload)),
  });
  const padded = { ...parsed.value, scope: "x".repeat(100_000) };
  return [
    { name: "the old active record", record: again(active) },
    { name: "a null", record: { topic, key, value: null } },
    { name: "an unknown key", record: live(signers.stranger, version + 1) },
    { name: "an unknown key under the relay's name", record: live(signers.strangerAsRelay, version + 1) },
    { name: "a decision service's key", record: live(signers.decision, version + 1) },
    { name: "a decision service's key under the relay's name", record: live(signers.decisionAsRelay, version + 1) },
    { name: "another deployment", record: live(signers.relay, version + 1, "another") },
    { name: "a deposed relay's late record", record: live(signers.relay, version - 1) },
    {
      name: "the old record under a higher version",
      record: {
        topic,
        key,
        value,
        headers: new Map<string, string | Buffer>([...headers, [ENVELOPE_HEADERS.version, "99"]]),
      },
    },
    { name: "another key's record", record: { ...again(other), key } },
    { name: "garbage under the old headers", record: { topic, key, value: randomBytes(500), headers } },
    { name: "no headers", record: { topic, key, value } },
    { name: "more than 64 KiB", record: relaySays(padded) },
    { name: "an unknown major version", record: relaySays({ ...parsed.value, v: 2, version }) },
    {
      name: "a payload of another version than the record",
      record: relaySays({ ...parsed.value, version: version + 7 }),
    },
  ];
}

/** Heartbeats that would keep a decision service fresh: replayed, and of now by others. `last` is a real one. */
export function heartbeatForgeries(
  last: StreamRecord,
  signers: Signers,
  deployment: string,
  nowMs: number,
): readonly Forgery[] {
  const said: unknown = JSON.parse(last.value?.toString("utf8") ?? "null");
  const now = bytesOf({ ...(typeof said === "object" ? said : {}), database_time_ms: nowMs });
  const by = (signer: Signer, place = deployment): OutgoingRecord => ({
    ...{ topic, key: HEARTBEAT_KEY },
    ...sealEnvelope(signer, { deployment: place, topic, key: HEARTBEAT_KEY }, 0, now),
  });
  return [
    { name: "an old heartbeat", record: again(last) },
    { name: "a heartbeat of an unknown key", record: by(signers.strangerAsRelay) },
    { name: "a heartbeat of a decision service's key", record: by(signers.decision) },
    { name: "a heartbeat of another deployment", record: by(signers.relay, "another") },
    { name: "no heartbeat", record: { topic, key: HEARTBEAT_KEY, value: null } },
    { name: "the time edited", record: { ...again(last), value: now } },
  ];
}

/**
 * The relay's own word over a set of no keys, in the heartbeat of earlier versions: as if nulls of every key were a choice that the sum of 256 bits
 * does not show. To find such a choice takes hours and thousands of keys.
 */
export function earlierHeartbeatOfNone(relay: Signer, deployment: string, nowMs: number): OutgoingRecord {
  const key = EARLIER_HEARTBEAT_KEY;
  const payload = bytesOf({ v: 1, database_time_ms: nowMs, set_hash: "0".repeat(64) });
  return { topic, key, ...sealEnvelope(relay, { deployment, topic, key }, 0, payload) };
}

function bytesOf(value: object): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}
