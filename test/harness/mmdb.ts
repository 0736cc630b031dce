/**
 * A MaxMind DB file (format 2.0) of a few networks, for tests: a real search tree and data section, so that a reader has the same work as with
 * one from a vendor. Vendors' files are of IP version 6, with IPv4 at ::/96. Maps, texts and whole numbers are all that it can hold.
 */
import { isIPv6 } from "node:net";

type Content = { readonly [name: string]: string | number | Content };

type Node = [Node | number | undefined, Node | number | undefined];

type MmdbOptions = {
  /** Epoch seconds. */
  readonly builtAt?: number;
  readonly ipVersion?: 4 | 6;
  /** Bits; two of them are a node. */
  readonly recordSize?: 24 | 28 | 32;
};

/** `networks`: `192.0.2.0/24` or `2001:db8::/32` → what stands under it; they may not overlap. */
export function makeMmdb(
  networks: Readonly<Record<string, Content>>,
  { builtAt = 1_790_000_000, ipVersion = 4, recordSize = 24 }: MmdbOptions = {},
): Buffer {
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [network, record] of Object.entries(networks)) {
    insert(root, network, bitsOf(network, ipVersion), offset);
    const encoded = encode(record);
    data.push(encoded);
    offset += encoded.length;
  }
  const nodes = inOrder(root);
  const numbers = new Map(nodes.map((node, number) => [node, number]));
  const valueOf = (side: Node | number | undefined) => {
    if (side === undefined) return nodes.length;
    return typeof side === "number" ? nodes.length + 16 + side : (numbers.get(side) ?? 0);
  };
  const tree = Buffer.concat(nodes.map(([left, right]) => nodeOf(valueOf(left), valueOf(right), recordSize)));
  const metadata = encode({
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: builtAt },
    ...{ database_type: "Test-Country", ip_version: ipVersion, node_count: nodes.length, record_size: recordSize },
    description: { en: "made by a test" },
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"), metadata]);
}

/** Left before right. In the middle byte of seven are the upper four bits of both. */
function nodeOf(left: number, right: number, recordSize: number): Buffer {
  const node = Buffer.alloc(recordSize / 4);
  if (recordSize !== 28) {
    node.writeUIntBE(left, 0, recordSize / 8);
    node.writeUIntBE(right, recordSize / 8, recordSize / 8);
    return node;
  }
  const lower = 2 ** 24;
  node.writeUIntBE(left % lower, 0, 3);
  node.writeUInt8(Math.floor(left / lower) * 16 + Math.floor(right / lower), 3);
  node.writeUIntBE(right % lower, 4, 3);
  return node;
}

/** Of the network, as the way from the root. */
function bitsOf(network: string, ipVersion: 4 | 6): string {
  const [address = "", length] = network.split("/");
  if (isIPv6(address)) return binary(groupsOf(address), 16).slice(0, Number(length ?? 128));
  const bits = binary(address.split(".").map(Number), 8).slice(0, Number(length ?? 32));
  return ipVersion === 4 ? bits : "0".repeat(96) + bits;
}

function groupsOf(address: string): readonly number[] {
  const [before = [], after = []] = address.split("::").map((half) => half.split(":").filter((one) => one !== ""));
  const between = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...between, ...after].map((one) => Number.parseInt(one, 16));
}

function binary(parts: readonly number[], width: number): string {
  return parts.map((part) => part.toString(2).padStart(width, "0")).join("");
}

function insert(root: Node, network: string, bits: string, offset: number): void {
  let node = root;
  for (const [at, bit] of [...bits].entries()) {
    const side = bit === "1" ? 1 : 0;
    if (at === bits.length - 1) {
      node[side] = offset;
      return;
    }
    const below = node[side];
    if (typeof below === "number") throw new Error(`${network} lies in another network`);
    const next: Node = below ?? [undefined, undefined];
    node[side] = next;
    node = next;
  }
}

function inOrder(root: Node): readonly Node[] {
  const nodes: Node[] = [root];
  for (const node of nodes) for (const side of node) if (typeof side === "object") nodes.push(side);
  return nodes;
}

const TEXT = 2;
const UINT32 = 6;
const MAP = 7;

/** Control byte and payload. Sizes below 285 alone. */
function encode(value: string | number | Content): Buffer {
  if (typeof value === "string") return Buffer.concat([control(TEXT, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === "number") {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  const entries = Object.entries(value);
  return Buffer.concat([
    control(MAP, entries.length),
    ...entries.flatMap(([name, one]) => [encode(name), encode(one)]),
  ]);
}

function control(type: number, size: number): Buffer {
  return size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29]);
}
