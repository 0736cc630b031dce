import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "@jest/globals";
import type { Denial } from "../../../core/domain/denial.ts";
import { type DenialRecord, denialToWire } from "../../../core/messages/denial-record.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { sampleDenial } from "../../../core/messages/samples.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { createDenialReader } from "./denials.ts";

const topic = "denials";
const deployment = "test";
const keys = () => generateKeyPairSync("ed25519");
const pdp = keys();
const signerOf = ({ privateKey }: ReturnType<typeof keys>) =>
  createSigner("pdp-a", privateKey.export({ type: "pkcs8", format: "pem" }).toString());
const verifier = createVerifier(new Map([["pdp-a", pdp.publicKey.export({ type: "spki", format: "pem" }).toString()]]));

/** What the reader says of a denial, and what it handed to the command. */
async function read({
  change = () => {},
  signer = signerOf(pdp),
  key,
}: {
  readonly change?: (wire: DenialRecord) => void;
  readonly signer?: ReturnType<typeof signerOf>;
  readonly key?: string;
}) {
  const wire = denialToWire(sampleDenial());
  change(wire);
  const recordKey = key ?? wire.denial_key;
  const payload = Buffer.from(JSON.stringify(wire));
  const { value, headers } = sealEnvelope(signer, { deployment, topic, key: recordKey }, 0, payload);
  const accepted: Denial[] = [];
  const reader = createDenialReader(
    {
      verifier,
      accept: ({ denial }) => {
        accepted.push(denial);
        return Promise.resolve({ kind: "accepted" });
      },
    },
    { deployment },
  );
  const asRead = new Map([...headers].map(([name, text]) => [name, Buffer.from(text)]));
  const record = { topic, partition: 0, offset: 0n, key: recordKey, value, headers: asRead, timestampMs: 0 };
  const reading = await reader(record, { topic, partition: 0, from: 0n, next: 1n });
  return { reading, accepted: accepted.length };
}

test("a denial that another key signed under the name of a known one is refused", async () => {
  const { reading, accepted } = await read({ signer: signerOf(keys()) });
  expect(reading).toMatchObject({ kind: "refused", reason: "signature_invalid" });
  expect(accepted).toBe(0);
});

test.each<[string, (wire: DenialRecord) => void, string]>([
  ["shows another path", (wire) => void (wire.call.path = "/admin"), "malformed"],
  ["carries another body's hash", (wire) => void (wire.call.field_hashes["body"] = "0".repeat(64)), "malformed"],
  ["names another subject", (wire) => void (wire.subject.id = "max"), "malformed"],
  ["gives another reason", (wire) => void (wire.justification = "because"), "malformed"],
  ["offers more uses", (wire) => wire.offers.forEach((offer) => void (offer.elevation.max_uses = 9)), "malformed"],
])("a well-signed denial that %s than what was hashed is refused", async (_name, change, reason) => {
  const { reading, accepted } = await read({ change });
  expect(reading).toMatchObject({ kind: "refused", reason });
  expect(accepted).toBe(0);
});

test("a well-signed denial under another record key is refused, since keys order and deduplicate them", async () => {
  const { reading, accepted } = await read({ key: "0".repeat(64) });
  expect(reading).toMatchObject({ kind: "refused", reason: "malformed" });
  expect(accepted).toBe(0);
});

test("what the decision service minted is taken", async () => {
  expect(await read({})).toEqual({ reading: { kind: "taken" }, accepted: 1 });
});
