/** `net.*` without a network: CIDR arithmetic on bytes. Names are never resolved here. */
import ipaddr from "ipaddr.js";
import {
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  builtinTable,
  itemsArg,
  stringArg,
  wrongType,
} from "../builtin.ts";
import { regoSet } from "../rego-value/order.ts";
import { isRegoArray, RegoObject, RegoSet, type RegoValue, regoInteger } from "../rego-value/value.ts";

type Network = {
  readonly bits: 32 | 128;
  readonly prefix: number;
  readonly base: bigint;
  /** The address as given, where it is shown instead of the base. */
  readonly host?: bigint;
};

const MAPPED = 0xffffn;
/** To ipaddr.js this is an IPv4 address inside IPv6, to Go an address of IPv6 like any other: only `::ffff:…` is one. */
const COMPATIBLE = /^::(\d+\.\d+\.\d+\.\d+)$/;

function address(text: string): { readonly bits: 32 | 128; readonly value: bigint } {
  if ((!ipaddr.IPv4.isValidFourPartDecimal(text) && !ipaddr.IPv6.isValid(text)) || text.includes("%")) {
    throw new BuiltinError("invalid address");
  }
  const compatible = COMPATIBLE.exec(text)?.[1];
  if (compatible !== undefined) return { bits: 128, value: address(compatible).value };
  const bytes = ipaddr.parse(text).toByteArray();
  return { bits: bytes.length === 4 ? 32 : 128, value: bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n) };
}

/** A CIDR, or one address as the network of itself. */
export function network(text: string): Network {
  const [host = "", prefixText, ...rest] = text.split("/");
  const { bits, value } = address(host);
  if (rest.length > 0 || (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText))) {
    throw new BuiltinError("invalid CIDR");
  }
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) throw new BuiltinError("invalid CIDR");
  const base = (value >> BigInt(bits - prefix)) << BigInt(bits - prefix);
  // An IPv4 address inside IPv6 is the IPv4 address, as in Go.
  if (bits === 128 && prefix >= 96 && base >> 32n === MAPPED)
    return { bits: 32, prefix: prefix - 96, base: base & 0xffffffffn };
  return { bits, prefix, base };
}

export function cidr(text: string): Network {
  if (!text.includes("/")) throw new BuiltinError(`invalid CIDR address: ${text}`);
  return network(text);
}

export function contains(outer: Network, inner: Network): boolean {
  const shift = BigInt(outer.bits - outer.prefix);
  return outer.bits === inner.bits && outer.prefix <= inner.prefix && inner.base >> shift === outer.base >> shift;
}

function addressText(bits: 32 | 128, value: bigint): string {
  const bytes = Array.from({ length: bits / 8 }, (_, at) => Number((value >> BigInt(bits - 8 - at * 8)) & 255n));
  return ipaddr.fromByteArray(bytes).toString();
}

const MAX_EXPANDED = 16_384n;
const MAX_PAIRS = 200_000;
/** In fuel: of an address that is written, of two networks that are compared, of two that match. */
const PER_ADDRESS = 3_000;
const PER_PAIR = 150;
const PER_MATCH = 600;

function expand(text: string, { pay }: BuiltinCall): RegoValue {
  const { bits, prefix, base } = cidr(text);
  const count = 1n << BigInt(bits - prefix);
  if (count > MAX_EXPANDED) throw new BuiltinLimit("network is too large to expand");
  pay(Number(count) * PER_ADDRESS);
  return regoSet(Array.from({ length: Number(count) }, (_, at) => addressText(bits, base + BigInt(at))));
}

/** Go's default mask: an IPv4 address without a prefix stands for its class; IPv6 has none. */
function classful(text: string): Network {
  if (text.includes("/")) return network(text);
  const { bits, value } = address(text);
  if (bits === 128) throw new BuiltinError("an IPv6 address needs a prefix");
  const first = Number(value >> 24n);
  return { ...network(`${text}/${first < 128 ? 8 : first < 192 ? 16 : 24}`), host: value };
}

/** The smallest list of networks that covers the same addresses. */
function merge(texts: readonly string[]): RegoValue {
  const networks = texts
    .map(classful)
    .map(mapped)
    .sort((a, b) => a.bits - b.bits || Number(a.base - b.base) || a.prefix - b.prefix);
  const merged: Network[] = [];
  for (let next of networks) {
    for (let last = merged.at(-1); last !== undefined; last = merged.at(-1)) {
      if (contains(last, next)) next = { bits: last.bits, base: last.base, prefix: last.prefix };
      else if (!siblings(last, next)) break;
      else next = { bits: last.bits, base: last.base, prefix: last.prefix - 1 };
      merged.pop();
    }
    merged.push(next);
  }
  return regoSet(merged.map(networkText));
}

/** All in one space, where `::/0` holds the IPv4 networks, too. */
function mapped({ bits, prefix, base, host }: Network): Network {
  if (bits === 128) return { bits, prefix, base };
  const shown = host === undefined ? {} : { host };
  return { bits: 128, prefix: prefix + 96, base: (MAPPED << 32n) | base, ...shown };
}

function networkText({ prefix, base, host }: Network): string {
  const isMapped = prefix >= 96 && base >> 32n === MAPPED;
  return isMapped
    ? `${addressText(32, host ?? base & 0xffffffffn)}/${prefix - 96}`
    : `${addressText(128, base)}/${prefix}`;
}

function siblings(a: Network, b: Network): boolean {
  if (a.bits !== b.bits || a.prefix !== b.prefix || a.prefix === 0) return false;
  const shift = BigInt(a.bits - a.prefix + 1);
  return a.base >> shift === b.base >> shift;
}

type Labelled = { readonly label: RegoValue; readonly item: RegoValue };

/** What `cidr_contains_matches` goes over: a string, or a collection of strings or of arrays that begin with one. Of anything else, nothing. */
function labelled(value: RegoValue | undefined): readonly Labelled[] {
  if (typeof value === "string") return [{ label: value, item: value }];
  if (value instanceof RegoObject) return [...value.entries()].map(([label, item]) => ({ label, item }));
  if (value instanceof RegoSet) return value.items.map((item) => ({ label: item, item }));
  return isRegoArray(value) ? value.map((item, at) => ({ label: regoInteger(at), item })) : [];
}

/** The text of an item, or what should be one. */
function firstOf(item: RegoValue): RegoValue {
  const first = isRegoArray(item) ? item[0] : typeof item === "string" ? item : undefined;
  if (first === undefined) throw new BuiltinError("element must be string or non-empty array");
  return first;
}

/** Read when it is first compared with something: as OPA, what nothing is compared with may be no network. */
function readOnce<Read>(read: () => Read): () => Read {
  let known: { readonly value: Read } | undefined;
  return () => (known ??= { value: read() }).value;
}

function containsMatches(args: readonly RegoValue[], { pay }: BuiltinCall): RegoValue {
  const inners = labelled(args[1]).map(({ label, item }) => ({
    label,
    read: readOnce(() => network(stringArg([firstOf(item)], 0))),
  }));
  const matches: RegoValue[] = [];
  const outers = labelled(args[0]);
  if (outers.length * inners.length > MAX_PAIRS) throw new BuiltinLimit("too many networks to compare");
  pay(outers.length * inners.length * PER_PAIR);
  for (const { label, item } of outers) {
    const first = firstOf(item);
    const outer = readOnce(() => cidr(stringArg([first], 0)));
    for (const inner of inners) if (contains(outer(), inner.read())) matches.push([label, inner.label]);
  }
  pay(matches.length * PER_MATCH);
  return regoSet(matches);
}

export const NET = builtinTable([
  [
    "net.cidr_is_valid",
    ([text]) => {
      try {
        return typeof text === "string" && cidr(text).bits > 0;
      } catch (error) {
        if (error instanceof BuiltinError) return false;
        throw error;
      }
    },
  ],
  ["net.cidr_expand", (args, call) => expand(stringArg(args, 0), call)],
  ["net.cidr_merge", (args) => merge(itemsArg(args, 0).map((item) => stringArg([item], 0)))],
  ["net.cidr_contains_matches", containsMatches],
]);

/** Natively: to OPA a number, a boolean or null is a collection without networks, and whoever sends one is not blocked. */
export const STRICT_NET = builtinTable([
  [
    "net.cidr_contains_matches",
    (args, call) => {
      for (const at of [0, 1]) if (!isGoneOver(args[at])) throw wrongType(at, "string, array, set or object");
      return containsMatches(args, call);
    },
  ],
]);

function isGoneOver(value: RegoValue | undefined): boolean {
  const isCollection = value instanceof RegoSet || value instanceof RegoObject || isRegoArray(value);
  return isCollection || typeof value === "string";
}
