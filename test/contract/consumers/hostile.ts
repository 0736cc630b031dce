/** Records that no honest writer writes, each made of a good one, and the reason under which every consumer has to refuse it. */
import { randomBytes } from "node:crypto";
import {
  DIGEST,
  ENVELOPE_HEADERS,
  type EnvelopeForm,
  MAX_UNPACKED_BYTES,
  sealEnvelope,
} from "../../../core/messages/envelope.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import { type Consumer, DEPLOYMENT, formOf, type Good, KINDS_OF_STATE, type Pens, sealed } from "./consumer.ts";

type Hostile = {
  readonly name: string;
  readonly reason: string;
  /** Where the state topic has another word for it. */
  readonly onState?: string;
  make(good: Good, pens: Pens): OutgoingRecord;
};

const withPayload = (change: (good: Good) => object) => (good: Good, pens: Pens) =>
  sealed({ ...good, payload: change(good) }, pens.right);

const withBytes = (bytes: Buffer, form?: EnvelopeForm) => (good: Good, pens: Pens) => {
  const address = { deployment: DEPLOYMENT, topic: good.topic, key: good.key };
  return {
    ...{ topic: good.topic, key: good.key },
    ...sealEnvelope(pens.right, address, good.version, bytes, form ?? formOf(good.topic)),
  };
};

/** The good record with one header of the envelope changed, or taken away; `change` is given nothing where it was not there. */
const withHeader = (name: string, change: (text: string) => string | undefined) => (good: Good, pens: Pens) => {
  const record = sealed(good, pens.right);
  const headers = new Map<string, string | Buffer>(record.headers);
  const changed = change(String(headers.get(name) ?? ""));
  if (changed === undefined) headers.delete(name);
  else headers.set(name, changed);
  return { ...record, headers };
};

const malformed = { reason: "malformed", onState: "unreadable" };
const flipped = (text: string) => (text.startsWith("A") ? `B${text.slice(1)}` : `A${text.slice(1)}`);

export const HOSTILE: readonly Hostile[] = [
  { name: "no JSON", ...malformed, make: withBytes(Buffer.from("{")) },
  { name: "nothing at all", ...malformed, make: withBytes(Buffer.alloc(0)) },
  { name: "not UTF-8", ...malformed, make: withBytes(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])) },
  { name: "nesting without end", ...malformed, make: withBytes(Buffer.from("[".repeat(60_000))) },
  { name: "a packed payload that is no JSON", ...malformed, make: withBytes(Buffer.from("{"), "packed") },
  {
    name: "a packed payload of many megabytes",
    ...malformed,
    make: withBytes(Buffer.alloc(64 * MAX_UNPACKED_BYTES, "["), "packed"),
  },
  { name: "a member too many", ...malformed, make: withPayload(({ payload }) => ({ ...payload, extra: 1 })) },
  { name: "no members", ...malformed, make: withPayload(() => ({})) },
  { name: "__proto__", ...malformed, make: withBytes(Buffer.from('{"__proto__":{"v":1}}')) },
  {
    name: "an unknown major version",
    reason: "version_unknown",
    make: withPayload(({ payload }) => ({ ...payload, v: 3 })),
  },
  {
    name: "an unknown major version of another shape",
    reason: "version_unknown",
    make: withPayload(() => ({ v: 7, news: true })),
  },
  {
    name: "more than 64 KiB, with a good signature",
    reason: "oversize",
    make: withPayload(({ payload }) => ({ ...payload, padding: "x".repeat(64 * 1024) })),
  },
  { name: "half a MiB of noise", reason: "oversize", make: (good) => ({ ...good, value: randomBytes(512 * 1024) }) },
  {
    name: "a payload that was changed after it was signed",
    reason: "signature_invalid",
    make: (good, pens) => ({ ...sealed(good, pens.right), value: Buffer.from(`${JSON.stringify(good.payload)} `) }),
  },
  { name: "a wrong signature", reason: "signature_invalid", make: withHeader(ENVELOPE_HEADERS.signature, flipped) },
  {
    name: "no signature but noise",
    reason: "signature_invalid",
    make: withHeader(ENVELOPE_HEADERS.signature, () => "!"),
  },
  { name: "a stranger's key", reason: "signature_invalid", make: (good, pens) => sealed(good, pens.stranger) },
  {
    name: "the right key under an unknown name",
    reason: "signature_invalid",
    make: (good, pens) => sealed(good, pens.unnamed),
  },
  {
    name: "the right key under another's name",
    reason: "signature_invalid",
    make: (good, pens) => sealed(good, pens.misnamed),
  },
  {
    name: "another deployment's record",
    reason: "signature_invalid",
    make: (good, pens) => sealed(good, pens.right, { deployment: "another" }),
  },
  {
    name: "a record of another topic",
    reason: "signature_invalid",
    make: (good, pens) => sealed(good, pens.right, { topic: "countersign.other.v1" }),
  },
  {
    name: "a record of another key",
    reason: "signature_invalid",
    make: (good, pens) => sealed(good, pens.right, { key: "another" }),
  },
  {
    name: "another version than was signed",
    reason: "signature_invalid",
    make: withHeader(ENVELOPE_HEADERS.version, (version) => String(Number(version) + 1)),
  },
  {
    name: "a version that is no number",
    reason: "version_malformed",
    make: withHeader(ENVELOPE_HEADERS.version, () => "1e3"),
  },
  ...Object.entries(ENVELOPE_HEADERS).map(([what, name]) => ({
    name: `no header for the ${what}`,
    reason: "headers_missing",
    make: withHeader(name, () => undefined),
  })),
  {
    name: "the header of the digest dropped where the digest was signed, or set where it was not",
    reason: "signature_invalid",
    make: withHeader(DIGEST.header, (digest) => (digest === "" ? DIGEST.value : undefined)),
  },
  {
    name: "another digest's name",
    reason: "signature_invalid",
    make: withHeader(DIGEST.header, () => "sha512"),
  },
  { name: "a null", reason: "tombstone", make: ({ topic, key }) => ({ topic, key, value: null }) },
];

export function reasonFor({ reason, onState }: Hostile, { name }: Consumer): string {
  return KINDS_OF_STATE.some((kind) => kind === name) ? (onState ?? reason) : reason;
}
