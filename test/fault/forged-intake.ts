/**
 * Records for the topics that the approval service reads, which no honest decision service would write: of another signer, of another
 * place, inconsistent, too large, of no shape. Each with the reason under which it has to be set aside.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { type DecisionBatch, decisionRecordHash, readDecisionBatch } from "../../core/messages/decision-record.ts";
import { DenialRecordSchema } from "../../core/messages/denial-record.ts";
import { DIGEST, type EnvelopeForm, sealEnvelope } from "../../core/messages/envelope.ts";
import { createParser } from "../../core/messages/parse.ts";
import type { Signer } from "../../core/messages/signing.ts";
import { TOPICS } from "../../core/messages/topics.ts";
import type { OutgoingRecord, StreamRecord } from "../../platform/stream/port.ts";
import type { Signers } from "./forged-state.ts";

export type IntakeForgery = { readonly name: string; readonly reason: string; readonly record: OutgoingRecord };

/** The right key: the decision service's own, which signed what is forged after. */
export type IntakeSigners = Signers & { readonly right: Signer };

const parseDenial = createParser(DenialRecordSchema);

/** After a real denial: each names an id of its own, so one that were taken would be seen. */
export function denialForgeries(
  { key, value, headers }: StreamRecord,
  signers: IntakeSigners,
  deployment: string,
): readonly (IntakeForgery & { readonly denialId: string })[] {
  const parsed = value === null ? undefined : parseDenial(value);
  if (key === null || value === null || parsed?.kind !== "parsed") throw new Error("not a denial");
  const denial = parsed.value;
  const topic = TOPICS.denials.name;
  const make = (
    name: string,
    reason: string,
    change: object,
    signer = signers.right,
    under = key,
    place = deployment,
  ) => {
    const denialId = randomUUID();
    const payload = bytesOf({ ...denial, denial_id: denialId, ...change });
    const sealed = sealEnvelope(signer, { deployment: place, topic, key: under }, 0, payload);
    return { name, reason, denialId, record: { topic, key: under, ...sealed } };
  };
  const raw = (name: string, reason: string, bytes: Buffer | null, given?: OutgoingRecord["headers"]) => ({
    ...{ name, reason, denialId: randomUUID() },
    record: { topic, key, value: bytes, ...(given === undefined ? {} : { headers: given }) },
  });
  const [offer] = denial.offers;
  const { path: _, ...hashes } = denial.call.field_hashes;
  return [
    make("an unknown key", "signature_invalid", {}, signers.stranger),
    make("an unknown key under the right name", "signature_invalid", {}, signers.strangerAsDecision),
    make("the relay's key", "signature_invalid", {}, signers.relay),
    make("another deployment", "signature_invalid", {}, signers.right, key, "another"),
    make("another path than the one that is bound", "malformed", {
      call: { ...denial.call, path: "/orders/harmless" },
    }),
    make("a digest that does not follow from the fields", "malformed", {
      offers: [{ ...offer, digest: "ab".repeat(32), unbindable: null }],
    }),
    make("a bound field left out", "malformed", { call: { ...denial.call, field_hashes: hashes } }),
    make("somebody else's name", "malformed", { subject: { ...denial.subject, id: "max" } }),
    make("another record key", "malformed", {}, signers.right, "cd".repeat(32)),
    make("an unknown major version", "version_unknown", { v: 2 }),
    make("more than 64 KiB", "oversize", { justification: "x".repeat(70_000) }),
    raw("garbage under the old headers", "signature_invalid", randomBytes(300), headers),
    raw("no headers", "headers_missing", value),
    raw("a null", "tombstone", null),
  ];
}

/** After a real batch of the log whose key `right` is. */
export function decisionForgeries(
  { key, value, headers }: StreamRecord,
  signers: IntakeSigners,
  deployment: string,
): readonly IntakeForgery[] {
  const parsed = value === null ? undefined : readDecisionBatch(value);
  if (key === null || value === null || parsed?.kind !== "parsed") throw new Error("not a batch of decisions");
  const batch = parsed.value;
  const topic = TOPICS.decisions.name;
  const make = (
    name: string,
    reason: string,
    change: object,
    signer = signers.right,
    under = key,
    place = deployment,
  ) => {
    const bytes = bytesOf({ ...batch, ...change });
    const sealed = sealEnvelope(signer, { deployment: place, topic, key: under }, 0, bytes, "digest");
    return { name, reason, record: { topic, key: under, ...sealed } };
  };
  const next = nextOf(batch);
  /** What would be taken but for its form: the next batch, signed so, under this header or none. */
  const underDigest = (name: string, form: EnvelopeForm, header: string | undefined) => {
    const sealed = sealEnvelope(
      signers.right,
      { deployment, topic, key },
      0,
      bytesOf({ ...batch, records: [next] }),
      form,
    );
    const others = new Map([...sealed.headers].filter(([one]) => one !== DIGEST.header));
    const withForm = new Map([...others, ...(header === undefined ? [] : [[DIGEST.header, header] as const])]);
    return { name, reason: "signature_invalid", record: { topic, key, value: sealed.value, headers: withForm } };
  };
  const { tail: _tail, ...link } = next;
  const open = { ...link, kind: "log_opened" as const, policy_revision: null };
  const others = key.replace(/^pdp\/[^/]+/, "pdp/decision-2");
  return [
    make("an unknown key", "signature_invalid", {}, signers.stranger),
    make("an unknown key under the right name", "signature_invalid", {}, signers.strangerAsDecision),
    make("the relay's key", "signature_invalid", {}, signers.relay),
    make("another deployment", "signature_invalid", {}, signers.right, key, "another"),
    make(
      "another service's log",
      "log_inconsistent",
      { log: others, records: [{ ...next, log: others }] },
      signers.right,
      others,
    ),
    make("another record key", "malformed", {}, signers.right, others),
    underDigest("a signed digest whose header was dropped", "digest", undefined),
    underDigest("a signed digest under another digest's name", "digest", "sha512"),
    underDigest("a signed payload that is called a digest", "payload", DIGEST.value),
    underDigest("a packed batch whose header was dropped", "packed", undefined),
    underDigest("a packed batch that is called one that is not", "packed", DIGEST.value),
    underDigest("a signed digest that is called packed", "digest", DIGEST.packed),
    make("a chain that is broken inside", "log_inconsistent", {
      records: [open, { ...next, index: next.index + 1, prev: "ab".repeat(32) }],
    }),
    make("a gap inside", "log_inconsistent", {
      records: [open, { ...next, index: next.index + 2, prev: decisionRecordHash(open) }],
    }),
    make("a record behind the end of its log", "log_inconsistent", {
      records: [next, { ...next, index: next.index + 1, prev: decisionRecordHash(next) }],
    }),
    make("an unknown major version", "version_unknown", { v: 2 }),
    make("more than 64 KiB", "oversize", { records: [{ ...next, padding: "x".repeat(70_000) }] }),
    {
      name: "garbage under the old headers",
      reason: "signature_invalid",
      record: { topic, key, value: randomBytes(300), headers },
    },
    { name: "no headers", reason: "headers_missing", record: { topic, key, value } },
    { name: "a null", reason: "tombstone", record: { topic, key, value: null } },
  ];
}

/** What could follow a batch, if it were the last one. */
function nextOf({ log, records }: DecisionBatch) {
  const last = records.at(-1);
  if (last === undefined) throw new Error("a batch without records");
  const { index, time } = last;
  const prev = decisionRecordHash(last);
  return {
    ...{ v: 1 as const, log, index: index + 1, prev, time },
    kind: "log_closed" as const,
    tail: "complete" as const,
  };
}

function bytesOf(value: object): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}
