/**
 * Leaves the strings of a text that OPA's runtime reads where they stand, and does not copy them byte by byte: one that is all printable ASCII without
 * escapes is what stands between its quotes. Others are decoded as before.
 *
 * NB: so a text has to live as long as what was read from it. Those of our host do (instance-values.ts): it frees none of them, and the heap is set
 * back behind those of an evaluation when the next one begins (linked-policy.ts). So do those in the data of the module. What a policy reads by
 * `json.unmarshal` is a string of its own, which the runtime may free: that is copied before, once.
 */
import { call, constant, get, load, loadByte, set, storeByte, store, tee } from "./binary/assemble.ts";
import { holds } from "./binary/code.ts";
import type { Functions } from "./binary/functions.ts";
import { I32, NO_RESULT, OP } from "./binary/opcodes.ts";
import { PLAIN_TOKEN, STRING_FIELD, STRING_TYPE } from "./runtime-string.ts";

const PARSE = "opa_json_parse_string";
/** A string of bytes that are freed with it. */
const MAKE = "opa_string_allocated";
/** Those that read a string of the policy (`wasm/src/encoding.c`). */
const UNMARSHALLING = ["opa_json_unmarshal", "opa_json_is_valid"] as const;

/** What has to stand in the functions that are replaced and called: where it does not, the runtime is another one than is known here. */
const KNOWN = {
  parse: [...get(0), ...constant(PLAIN_TOKEN), OP.i32Ne, OP.brIf, 0, ...get(2), OP.call],
  make: [
    ...[...tee(2), ...get(0), ...store(STRING_FIELD.text), ...get(2), ...get(1), ...store(STRING_FIELD.length)],
    ...[...get(2), ...constant(STRING_TYPE | (1 << (8 * STRING_FIELD.free))), OP.i32Store16, 1, 0],
  ],
} as const;

/** False where the module has no such functions. */
export function aliasTexts(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const [parse, make] = [names.get(PARSE), names.get(MAKE)];
  const [allocate, typeOf] = [names.get("opa_malloc"), names.get("opa_value_type")];
  if (parse === undefined || make === undefined || allocate === undefined || typeOf === undefined) return false;
  if (!holds(functions.bodyOf(parse), KNOWN.parse) || !holds(functions.bodyOf(make), KNOWN.make)) return false;
  functions.replace(parse, parsing(functions.append(parse, functions.bodyOf(parse)), make));
  for (const index of UNMARSHALLING.flatMap((name) => names.get(name) ?? [])) {
    const own = functions.append(index, functions.bodyOf(index));
    functions.replace(index, unmarshalling(own, { make, allocate, typeOf }));
  }
  return true;
}

/** `parse(token, text, length)`: a string. */
function parsing(own: number, make: number): Uint8Array {
  const [token, text, length, made] = [0, 1, 2, 3];
  return Uint8Array.of(
    ...[1, 1, I32, ...get(token), ...constant(PLAIN_TOKEN), OP.i32Ne, OP.if, NO_RESULT],
    ...[...[token, text, length].flatMap(get), ...call(own), OP.return, OP.end],
    ...[...get(text), ...get(length), ...call(make), ...tee(made), ...constant(0), ...storeByte(STRING_FIELD.free)],
    ...[...get(made), OP.end],
  );
}

type Runtime = { readonly make: number; readonly allocate: number; readonly typeOf: number };

/** `unmarshal(value)`: its own, of a copy of a string. */
function unmarshalling(own: number, { make, allocate, typeOf }: Runtime): Uint8Array {
  const [value, text, length, copy, at] = [0, 1, 2, 3, 4];
  const place = (base: number) => [...get(base), ...get(at), OP.i32Add];
  const copied = [
    ...[...get(value), ...load(STRING_FIELD.text), ...set(text)],
    ...[...get(value), ...load(STRING_FIELD.length), ...tee(length), ...call(allocate), ...set(copy)],
    ...[OP.block, NO_RESULT, OP.loop, NO_RESULT, ...get(at), ...get(length), OP.i32GeU, OP.brIf, 1],
    ...[...place(copy), ...place(text), ...loadByte(0), ...storeByte(0)],
    ...[...get(at), ...constant(1), OP.i32Add, ...set(at), OP.br, 0, OP.end, OP.end],
    ...[...get(copy), ...get(length), ...call(make), ...set(value)],
  ];
  return Uint8Array.of(
    ...[1, 4, I32, ...get(value), ...call(typeOf), ...constant(STRING_TYPE), OP.i32Eq],
    ...[OP.if, NO_RESULT, ...copied, OP.end, ...get(value), ...call(own), OP.end],
  );
}
