/** What can never succeed is set aside and its partition goes on; what may succeed later is left to be tried again. */
import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "@jest/globals";
import { denialToWire } from "../../../core/messages/denial-record.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { goldenRecords, sampleDenial } from "../../../core/messages/samples.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import { createDecisionReader } from "./decisions.ts";
import { createDenialReader } from "./denials.ts";
import { type ReadRecord, withQuarantine } from "./quarantine.ts";

const deployment = "test";
const pdp = generateKeyPairSync("ed25519");
const signer = createSigner("pdp-a", pdp.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const verifier = createVerifier(new Map([["pdp-a", pdp.publicKey.export({ type: "spki", format: "pem" }).toString()]]));

/** Why the record was set aside, or that it was taken. Rejects where its partition waits. */
async function taking(read: ReadRecord, record: StreamRecord): Promise<string> {
  const reasons: string[] = [];
  const take = withQuarantine(read, {
    quarantine: (command) => Promise.resolve(reasons.push(command.record.reason)),
    events: { taken: () => reasons.push("taken"), quarantined: () => {} },
  });
  await take(record, { topic: record.topic, partition: 0, from: 0n, next: 1n });
  return reasons.join();
}

function signed(topic: string, key: string, text: string): StreamRecord {
  const { value, headers } = sealEnvelope(signer, { deployment, topic, key }, 0, Buffer.from(text));
  const asRead = new Map([...headers].map(([name, is]) => [name, Buffer.from(is)]));
  return { topic, partition: 0, offset: 0n, key, value, headers: asRead, timestampMs: 0 };
}

/** What the server answers, as pg throws it. */
const answered = (more: object) => Object.assign(new Error("an error"), { severity: "ERROR", code: "54000" }, more);

function failing(error: Error): Promise<string> {
  const read: ReadRecord = async () => {
    throw error;
  };
  return taking(read, signed("t", "k", "{}"));
}

test("what no index takes is set aside; another limit of the server may pass, and its record waits", async () => {
  for (const error of [
    answered({ routine: "asyncQueueAddEntries", message: "too many notifications in the NOTIFY queue" }),
    answered({}),
    answered({ code: "53100", routine: "GinFormTuple" }),
  ])
    await expect(failing(error)).rejects.toBe(error);
  for (const routine of ["GinFormTuple", "_bt_check_third_page", "index_form_tuple_context"])
    expect(await failing(answered({ routine }))).toBe("unstorable");
});

test("half a character in a signed denial, which has no canonical form and so no hash, sets it aside", async () => {
  const denial = sampleDenial();
  const accept = () => Promise.resolve({ kind: "accepted" } as const);
  const read = createDenialReader({ verifier, accept }, { deployment });
  const text = JSON.stringify(denialToWire(denial));
  const [title = ""] = denial.offers.map(({ elevation }) => JSON.stringify(elevation.title));
  expect(await taking(read, signed("denials", denial.key, text))).toBe("taken");
  const half = text.replace(title, '"\\ud800"');
  expect(await taking(read, signed("denials", denial.key, half))).toBe("malformed");
});

test("half a character in a signed batch of decisions sets it aside", async () => {
  const record = () => Promise.resolve({ kind: "recorded" } as const);
  const read = createDecisionReader({ verifier, record }, { deployment });
  const text = JSON.stringify(goldenRecords().get("decision-batch"));
  const [, log = ""] = /"log":"([^"]+)"/.exec(text) ?? [];
  expect(await taking(read, signed("decisions", log, text))).toBe("taken");
  const half = text.replace('"policy_revision":null', '"policy_revision":"\\udc00"');
  expect(half).not.toBe(text);
  expect(await taking(read, signed("decisions", log, half))).toBe("invalid_record");
});
