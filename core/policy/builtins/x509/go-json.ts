/** How Go's encoding/json shows what certificates are made of: byte slices in base64, nil slices as null. */
import ipaddr from "ipaddr.js";
import { RegoObject, regoInteger, type RegoValue } from "../../rego-value/value.ts";

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

export function base64OrNull(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : base64(bytes);
}

export function oidList(oid: readonly number[]): RegoValue {
  return oid.map(regoInteger);
}

export function listOrNull(items: readonly RegoValue[]): RegoValue {
  return items.length === 0 ? null : items;
}

/** An IPv4 address inside IPv6 is written as IPv4. */
export function ipText(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes]);
  return address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress()
    ? address.toIPv4Address().toString()
    : address instanceof ipaddr.IPv6
      ? address.toRFC5952String()
      : address.toString();
}

export function object(entries: Readonly<Record<string, RegoValue>>): RegoObject {
  return new RegoObject(Object.entries(entries));
}
