/**
 * Finds what the generated code silently loses of a `Struct`: an entry or item whose Value is empty, and the name `__proto__`, which it makes the
 * prototype. NB: a policy would not see what was stated (for example `act`: an agent, not the person); HTTP refuses the same. It reads what the
 * generated code reads, so call it for a message that was decoded.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";

type Kind = "batch" | "request" | "entity" | "action" | "struct" | "entry" | "value" | "list";

/** Field → the message in it, of those that lead to a Value. */
const INNER: { readonly [K in Kind]: ReadonlyMap<number, Kind> } = {
  batch: new Map([[1, "request"]]),
  request: new Map([
    [1, "entity"],
    [2, "action"],
    [3, "entity"],
    [4, "struct"],
  ]),
  entity: new Map([[3, "struct"]]),
  action: new Map([[2, "struct"]]),
  struct: new Map([[1, "entry"]]),
  entry: new Map([[2, "value"]]),
  value: new Map([
    [5, "struct"],
    [6, "list"],
  ]),
  list: new Map([[1, "value"]]),
};
/** Field and wire type of each kind of Value: null, number, text, boolean, struct, list. */
const KINDS_OF_VALUE: ReadonlySet<number> = new Set([8, 17, 26, 32, 42, 50]);
const [SIZED, END_OF_GROUP] = [2, 4];
const NAME = (1 << 3) | SIZED;

/** What is lost of a message of DecisionService, or undefined. */
export function lostIn(message: Uint8Array, kind: "batch" | "request"): string | undefined {
  const reader = new BinaryReader(message);
  return lost(reader, reader.len, kind);
}

function lost(reader: BinaryReader, end: number, kind: Kind): string | undefined {
  let hasValue = kind !== "entry" && kind !== "value";
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === 0 || (tag & 7) === END_OF_GROUP) break;
    if (kind === "entry" && tag === NAME) {
      if (reader.string() === "__proto__") return "a name in a Struct is __proto__";
      continue;
    }
    const inner = (tag & 7) === SIZED ? INNER[kind].get(tag >>> 3) : undefined;
    hasValue ||= kind === "value" ? KINDS_OF_VALUE.has(tag) : inner === "value";
    if (inner === undefined) reader.skip(tag & 7);
    else {
      const fault = lost(reader, reader.uint32() + reader.pos, inner);
      if (fault !== undefined) return fault;
    }
  }
  return hasValue ? undefined : "a Value in a Struct is empty; a null is null_value";
}
