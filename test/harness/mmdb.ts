/**
 * A MaxMind DB file (format 2.0) of a few IPv4 networks, for tests: a real search tree and data section, so that a reader has the same work
 * as with one from a vendor. 24-bit records; maps, texts and whole numbers are all that it can hold.
 */
type Record24 = { readonly [name: string]: string | number | Record24 };

type Node = [Node | number | undefined, Node | number | undefined];

/** `networks`: `192.0.2.0/24` → what stands under it; they may not overlap. `builtAt`: epoch seconds. */
export function makeMmdb(
  networks: Readonly<Record<string, Record24>>,
  { builtAt = 1_790_000_000 }: { readonly builtAt?: number } = {},
): Buffer {
  const root: Node = [undefined, undefined];
  const data: Buffer[] = [];
  let offset = 0;
  for (const [network, record] of Object.entries(networks)) {
    insert(root, network, offset);
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
  const tree = Buffer.alloc(nodes.length * 6);
  nodes.forEach(([left, right], number) => {
    tree.writeUIntBE(valueOf(left), number * 6, 3);
    tree.writeUIntBE(valueOf(right), number * 6 + 3, 3);
  });
  const metadata = encode({
    ...{ binary_format_major_version: 2, binary_format_minor_version: 0, build_epoch: builtAt },
    ...{ database_type: "Test-Country", ip_version: 4, node_count: nodes.length, record_size: 24 },
    description: { en: "made by a test" },
  });
  return Buffer.concat([tree, Buffer.alloc(16), ...data, Buffer.from("\xab\xcd\xefMaxMind.com", "latin1"), metadata]);
}

function insert(root: Node, network: string, offset: number): void {
  const [address = "", length = "32"] = network.split("/");
  const bits = address
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("")
    .slice(0, Number(length));
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
function encode(value: string | number | Record24): Buffer {
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
