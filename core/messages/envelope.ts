/**
 * The signed envelope of all internal topics. The value is the payload itself, plain JSON that any tool can read; three
 * headers make it an envelope: `cs-kid`, `cs-version`, `cs-sig`. The signature (Ed25519) covers a domain tag, the
 * deployment, the topic, the record key, the version and the payload bytes, so a record cannot be moved to another
 * deployment, topic, key or version. What it does not prevent is replay in place: versions and set hashes do that.
 */
import { MAX_RECORD_BYTES } from "./topics.ts";
import { lengthPrefixed } from "./hashing.ts";
import type { Signer, Verifier } from "./signing.ts";

const DOMAIN_TAG = "countersign/envelope/v1";

export const ENVELOPE_HEADERS = { kid: "cs-kid", version: "cs-version", signature: "cs-sig" } as const;

export type EnvelopeAddress = { readonly deployment: string; readonly topic: string; readonly key: string };

/** As it goes to the stream: `value` and `headers` of one record. */
export type SealedEnvelope = { readonly value: Buffer; readonly headers: ReadonlyMap<string, string> };

/** Signs one payload. `version` is a whole number ≥ 0: a state record's own, 0 where there is none. */
export function sealEnvelope(
  signer: Signer,
  address: EnvelopeAddress,
  version: number,
  payload: Uint8Array,
): SealedEnvelope {
  const signature = signer.sign(signedBytes(address, String(version), payload));
  return {
    value: Buffer.from(payload),
    headers: new Map([
      [ENVELOPE_HEADERS.kid, signer.kid],
      [ENVELOPE_HEADERS.version, String(version)],
      [ENVELOPE_HEADERS.signature, signature.toString("base64")],
    ]),
  };
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
  const good = verifier.verify(kid, signedBytes(address, versionText, value), Buffer.from(signature, "base64"));
  return good ? { kind: "opened", kid, version, payload: value } : { kind: "fault", reason: "signature_invalid" };
}

function signedBytes(address: EnvelopeAddress, version: string, payload: Uint8Array): Buffer {
  return lengthPrefixed([DOMAIN_TAG, address.deployment, address.topic, address.key, version, payload]);
}
