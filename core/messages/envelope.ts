/**
 * The signed envelope of all internal topics. The value is the payload itself, plain JSON that any tool can read; three
 * headers make it an envelope: `cs-kid`, `cs-version`, `cs-sig`. The signature (Ed25519) covers a domain tag, the
 * deployment, the topic, the record key, the version and the payload bytes, so a record cannot be moved to another
 * deployment, topic, key or version. What it does not prevent is replay in place: versions and set hashes do that.
 *
 * A large payload can be signed by its SHA-256, which a fourth header says (`cs-digest: sha256`): Ed25519 hashes what it signs twice, by a
 * slower hash. NB: under a domain tag of its own, so that neither form can pass for the other, whoever sets or drops the header.
 */
import { hash } from "node:crypto";
import { MAX_RECORD_BYTES } from "./topics.ts";
import { lengthPrefixed } from "./hashing.ts";
import type { Signer, Verifier } from "./signing.ts";

/** What stands for the payload in what is signed. */
export type EnvelopeForm = "payload" | "digest";

const DOMAIN_TAGS: { readonly [F in EnvelopeForm]: string } = {
  payload: "countersign/envelope/v1",
  digest: "countersign/envelope-digest/v1",
};
/** The header that is there where the digest is signed, and the one value that it can have. */
export const DIGEST = { header: "cs-digest", value: "sha256" } as const;

export const ENVELOPE_HEADERS = { kid: "cs-kid", version: "cs-version", signature: "cs-sig" } as const;

export type EnvelopeAddress = { readonly deployment: string; readonly topic: string; readonly key: string };

/** As it goes to the stream: `value` and `headers` of one record. */
export type SealedEnvelope = { readonly value: Buffer; readonly headers: ReadonlyMap<string, string> };

/** Signs one payload, or its digest. `version` is a whole number ≥ 0: a state record's own, 0 where there is none. */
export function sealEnvelope(
  signer: Signer,
  address: EnvelopeAddress,
  version: number,
  payload: Uint8Array,
  form: EnvelopeForm = "payload",
): SealedEnvelope {
  const signature = signer.sign(signedBytes(address, String(version), payload, form));
  const headers = new Map<string, string>([
    [ENVELOPE_HEADERS.kid, signer.kid],
    [ENVELOPE_HEADERS.version, String(version)],
    [ENVELOPE_HEADERS.signature, signature.toString("base64")],
  ]);
  if (form === "digest") headers.set(DIGEST.header, DIGEST.value);
  return { value: Buffer.from(payload), headers };
}

export type EnvelopeFault = "tombstone" | "oversize" | "headers_missing" | "version_malformed" | "signature_invalid";

type Opened =
  | { readonly kind: "opened"; readonly kid: string; readonly version: number; readonly payload: Buffer }
  | { readonly kind: "fault"; readonly reason: EnvelopeFault };

/** Checks size, headers and signature, in this order. Never throws; the payload is bytes, still to be parsed. */
export function openEnvelope(
  verifier: Verifier,
  address: EnvelopeAddress,
  record: { readonly value: Buffer | null; readonly headers: ReadonlyMap<string, Buffer> },
): Opened {
  const { value, headers } = record;
  if (value === null) return { kind: "fault", reason: "tombstone" };
  if (value.length > MAX_RECORD_BYTES) return { kind: "fault", reason: "oversize" };
  const kid = headers.get(ENVELOPE_HEADERS.kid)?.toString("utf8");
  const versionText = headers.get(ENVELOPE_HEADERS.version)?.toString("utf8");
  const signature = headers.get(ENVELOPE_HEADERS.signature)?.toString("utf8");
  if (kid === undefined || versionText === undefined || signature === undefined) {
    return { kind: "fault", reason: "headers_missing" };
  }
  const version = Number(versionText);
  if (!/^\d{1,16}$/.test(versionText) || !Number.isSafeInteger(version)) {
    return { kind: "fault", reason: "version_malformed" };
  }
  const digest = headers.get(DIGEST.header)?.toString("utf8");
  if (digest !== undefined && digest !== DIGEST.value) return { kind: "fault", reason: "signature_invalid" };
  const signed = signedBytes(address, versionText, value, digest === undefined ? "payload" : "digest");
  const good = verifier.verify(kid, signed, Buffer.from(signature, "base64"));
  return good ? { kind: "opened", kid, version, payload: value } : { kind: "fault", reason: "signature_invalid" };
}

function signedBytes(address: EnvelopeAddress, version: string, payload: Uint8Array, form: EnvelopeForm): Buffer {
  const signed = form === "digest" ? hash("sha256", payload, "buffer") : payload;
  return lengthPrefixed([DOMAIN_TAGS[form], address.deployment, address.topic, address.key, version, signed]);
}
