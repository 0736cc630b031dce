/**
 * The signed envelope of all internal topics. The value is the payload itself, plain JSON that any tool can read; the headers `cs-kid`,
 * `cs-version` and `cs-sig` are the envelope. The Ed25519 signature covers a domain tag, the deployment, the topic, the record key, the version
 * and the payload bytes, so a record cannot be moved to another deployment, topic, key or version. It does not prevent replay in place; versions
 * and set hashes do.
 *
 * A large payload can be signed by its SHA-256, which a fourth header says (`cs-digest: sha256`), because Ed25519 hashes its input twice, with a
 * slower hash. A larger one can also be compressed (`cs-digest: sha256-zstd`): then the value is its zstd frame, and the digest is the frame's,
 * so that nothing unsigned is decompressed. NB: each form has a domain tag of its own, so that none can pass for another, whoever sets, changes
 * or drops the header.
 */
import { hash } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { MAX_RECORD_BYTES } from "./topics.ts";
import { lengthPrefixed } from "./hashing.ts";
import type { Signer, Verifier } from "./signing.ts";

const FORMS = ["payload", "digest", "packed"] as const;
/** What stands for the payload in what is signed. */
export type EnvelopeForm = (typeof FORMS)[number];

const DOMAIN_TAGS: { readonly [F in EnvelopeForm]: string } = {
  payload: "countersign/envelope/v1",
  digest: "countersign/envelope-digest/v1",
  packed: "countersign/envelope-packed/v1",
};
/** The header that is there where a digest is signed, and the values that it can have. */
export const DIGEST = { header: "cs-digest", value: "sha256", packed: "sha256-zstd" } as const;

/** What the header says of each form; without it the payload is signed. */
const NAMES: { readonly [F in EnvelopeForm]: string | undefined } = {
  payload: undefined,
  digest: DIGEST.value,
  packed: DIGEST.packed,
};

/** Of a payload that travels packed: about what fits into a record then. A reader unpacks no more. */
export const MAX_UNPACKED_BYTES = 256 * 1024;
/** Level 1: higher ones save little of a batch of decisions. */
const FAST = { [constants.ZSTD_c_compressionLevel]: 1 };
/**
 * Decisions become a ninth. NB: zlib's room for what comes out is not collected with the call but by the next full collection, so it is not to be much
 * more than that; what does not fit is put together from several.
 */
const roomFor = (payload: Uint8Array) => ({ chunkSize: Math.max(1_024, payload.length >> 3) });

export const ENVELOPE_HEADERS = { kid: "cs-kid", version: "cs-version", signature: "cs-sig" } as const;

export type EnvelopeAddress = { readonly deployment: string; readonly topic: string; readonly key: string };

/** As it goes to the stream: `value` and `headers` of one record. */
export type SealedEnvelope = { readonly value: Buffer; readonly headers: ReadonlyMap<string, string> };

/**
 * Signs one payload, or its digest. `version` is a whole number ≥ 0: a state record's own, 0 where there is none. NB: what is packed may
 * still be larger than a record may be; whoever packs has to look.
 */
export function sealEnvelope(
  signer: Signer,
  address: EnvelopeAddress,
  version: number,
  payload: Uint8Array,
  form: EnvelopeForm = "payload",
): SealedEnvelope {
  const value =
    form === "packed" ? zstdCompressSync(payload, { params: FAST, ...roomFor(payload) }) : Buffer.from(payload);
  const signature = signer.sign(signedBytes(address, String(version), value, form));
  const headers = new Map<string, string>([
    [ENVELOPE_HEADERS.kid, signer.kid],
    [ENVELOPE_HEADERS.version, String(version)],
    [ENVELOPE_HEADERS.signature, signature.toString("base64")],
  ]);
  const name = NAMES[form];
  if (name !== undefined) headers.set(DIGEST.header, name);
  return { value, headers };
}

export type EnvelopeFault = "tombstone" | "oversize" | "headers_missing" | "version_malformed" | "signature_invalid";

type Opened =
  | { readonly kind: "opened"; readonly kid: string; readonly version: number; readonly payload: Buffer }
  | { readonly kind: "fault"; readonly reason: EnvelopeFault };

/** Checks size, headers and signature, in this order, and then unpacks. Never throws; the payload is bytes, still to be parsed. */
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
  const form = formOf(headers);
  if (form === undefined) return { kind: "fault", reason: "signature_invalid" };
  const good = verifier.verify(kid, signedBytes(address, versionText, value, form), Buffer.from(signature, "base64"));
  if (!good) return { kind: "fault", reason: "signature_invalid" };
  return { kind: "opened", kid, version, payload: form === "packed" ? unpacked(value) : value };
}

/** What the value of a record says, for showing it. NB: nobody has looked at its signature. */
export function shownPayload(value: Uint8Array, headers: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return formOf(headers) === "packed" ? unpacked(value) : value;
}

/** Undefined for a header that says none of them. */
function formOf(headers: ReadonlyMap<string, Uint8Array>): EnvelopeForm | undefined {
  const header = headers.get(DIGEST.header);
  const name = header === undefined ? undefined : Buffer.from(header).toString("utf8");
  return FORMS.find((form) => NAMES[form] === name);
}

/** What cannot be unpacked, or is more than it may be, is a payload that nobody can parse: as it stands it is one, too. */
function unpacked<V extends Uint8Array>(value: V): V | Buffer {
  try {
    return zstdDecompressSync(value, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch {
    return value;
  }
}

function signedBytes(address: EnvelopeAddress, version: string, value: Uint8Array, form: EnvelopeForm): Buffer {
  const signed = form === "payload" ? value : hash("sha256", value, "buffer");
  return lengthPrefixed([DOMAIN_TAGS[form], address.deployment, address.topic, address.key, version, signed]);
}
