/**
 * How a record is stored in the Postgres stream. Headers are JSON, `[[name, base64], …]`, for a value stored as it is. A large value is
 * compressed, as a Kafka producer would do: fewer bytes to send, to log and to keep, done where it costs least. Then headers are `{"zstd":
 * [[name, base64], …]}`, which no header name can imitate, and no earlier reader takes for headers of an uncompressed value.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type { OutgoingRecord } from "./port.ts";

/** What a row holds. */
type KeptRecord = { readonly value: Buffer | null; readonly headers: string | null };

/** Batches of decisions have more, as a rule; what comes one by one and has to come soon has less. */
const LARGE_BYTES = 8 * 1024;
/** A value that is too large for the stream stays that, however well it can be compressed; and no row becomes more than that when it is read. */
const MAX_BYTES = 1024 * 1024;
const NONE: ReadonlyMap<string, Buffer> = new Map();
/** What a frame of zstd begins with (RFC 8878 section 3.1.1). */
const ZSTD_MAGIC = 0xfd2fb528;
/** Level 1: a tenth of a batch of decisions; higher ones save nothing there. */
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export function keep({ value, headers = new Map() }: OutgoingRecord): KeptRecord {
  const pairs = [...headers].map(([name, content]) => [name, base64(content)]);
  if (value !== null && value.length >= LARGE_BYTES && value.length <= MAX_BYTES && !isPacked(value)) {
    const packed = zstdCompressSync(value, FAST);
    if (packed.length < value.length) return { value: packed, headers: JSON.stringify({ zstd: pairs }) };
  }
  return { value, headers: pairs.length === 0 ? null : JSON.stringify(pairs) };
}

/** By its writer: once more saves nothing. */
function isPacked(value: Buffer): boolean {
  return value.readUInt32LE(0) === ZSTD_MAGIC;
}

/**
 * As `keep` made it. NB: whoever may write to a topic may write headers of any other form. Such a record comes without any, which no envelope can be
 * read from, for its reader to set aside. Rejected here it would be asked for again for ever.
 */
export function kept({ value, headers: text }: KeptRecord): {
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<string, Buffer>;
} {
  const parsed: unknown = text === null ? [] : JSON.parse(text);
  if (typeof parsed === "object" && parsed !== null && "zstd" in parsed)
    return { value: value && unpacked(value), headers: headersOf(parsed.zstd) };
  return { value, headers: headersOf(parsed) };
}

/** What cannot be unpacked comes as it stands, for its reader to set aside as well. */
function unpacked(value: Buffer): Buffer {
  try {
    return zstdDecompressSync(value, { maxOutputLength: MAX_BYTES });
  } catch {
    return value;
  }
}

function headersOf(pairs: unknown): ReadonlyMap<string, Buffer> {
  const headers = new Map<string, Buffer>();
  if (!Array.isArray(pairs)) return NONE;
  for (const pair of pairs) {
    const [name, value]: readonly unknown[] = Array.isArray(pair) ? pair : [];
    if (typeof name !== "string" || typeof value !== "string") return NONE;
    headers.set(name, Buffer.from(value, "base64"));
  }
  return headers;
}

/** `btoa` takes half the time where it may be asked: of a text beyond ASCII it means other bytes. */
function base64(value: string | Buffer): string {
  if (typeof value === "string" && /^[\0-\x7f]*$/.test(value)) return btoa(value);
  return Buffer.from(value).toString("base64");
}
