/** `uuid.rfc4122`, the same for one key within one evaluation, and `uuid.parse`, which tells what a UUID carries. */
import { type Builtin, builtinTable, stringArg } from "../builtin.ts";
import { RegoObject, type RegoValue, regoInteger } from "../rego-value/value.ts";

const random: Builtin = (args, call) => {
  const bytes = Buffer.from(call.randomBytes(`uuid:${stringArg(args, 0)}`, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

const DASHED = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})/i;

/** With dashes, as `urn:uuid:…`, between any two characters, or as 32 digits. */
function bytesOf(text: string): Buffer | undefined {
  if (text.length === 32) return /^[0-9a-f]{32}$/i.test(text) ? Buffer.from(text, "hex") : undefined;
  const isUrn = text.length === 45 && text.slice(0, 9).toLowerCase() === "urn:uuid:";
  const body = isUrn ? text.slice(9) : text.length === 38 ? text.slice(1) : text.length === 36 ? text : "";
  const found = DASHED.exec(body);
  return found === null ? undefined : Buffer.from(found.slice(1).join(""), "hex");
}

/** 100 ns steps from 15 October 1582 to 1970. */
const GREGORIAN_START = 0x01b21dd213814000n;
const DOMAINS = ["Person", "Group", "Org"];

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return "RFC4122";
  if ((byte & 0xe0) === 0xc0) return "Microsoft";
  return (byte & 0xe0) === 0xe0 ? "Future" : "Reserved";
}

/** Something that is no UUID is undefined, not an error. */
const parse: Builtin = (args) => {
  const bytes = bytesOf(stringArg(args, 0));
  if (bytes === undefined) return undefined;
  const version = (bytes[6] ?? 0) >> 4;
  const entries: [string, RegoValue][] = [
    ["version", regoInteger(version)],
    ["variant", variantOf(bytes[8] ?? 0)],
  ];
  if (version === 1 || version === 2) entries.push(...timeBased(bytes));
  if (version === 2) {
    const domain = bytes[9] ?? 0;
    entries.push(["id", regoInteger(bytes.readUInt32BE(0))], ["domain", DOMAINS[domain] ?? `Domain${domain}`]);
  }
  return new RegoObject(entries);
};

function timeBased(bytes: Buffer): [string, RegoValue][] {
  const high = BigInt(bytes.readUInt16BE(6) & 0x0fff) << 48n;
  const ticks = high | (BigInt(bytes.readUInt16BE(4)) << 32n) | BigInt(bytes.readUInt32BE(0));
  const node = bytes.subarray(10);
  const first = node[0] ?? 0;
  const reach = (first & 1) === 1 ? "multicast" : "unicast";
  return [
    ["time", regoInteger(BigInt.asIntN(64, (ticks - GREGORIAN_START) * 100n))],
    ["nodeid", [...node].map((byte) => byte.toString(16).padStart(2, "0")).join("-")],
    ["macvariables", `${(first & 2) === 2 ? "local" : "global"}:${reach}`],
    ["clocksequence", regoInteger(bytes.readUInt16BE(8) & 0x3fff)],
  ];
}

export const UUID = builtinTable([
  ["uuid.rfc4122", random],
  ["uuid.parse", parse],
]);
