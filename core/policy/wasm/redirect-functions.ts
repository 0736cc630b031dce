/**
 * Gives functions of OPA's runtime inside a compiled policy back to the host: the body of `opa_json_marshal`, say, becomes
 * a call of `opa_builtin1` with a number that our registry knows. The runtime's own version writes keys in the order of its
 * hash table and escapes nothing; a policy that was written for OPA can have come to rely on more.
 *
 * The function is found in the module's name section; a module without it stays as it is. Nothing else of the module
 * changes: no index moves, since no function is added.
 */
import { AppError } from "../../domain/app-error.ts";

export type Redirection = {
  /** Of the runtime's function: one parameter, one result, both addresses of values. */
  readonly runtimeName: string;
  /** Above every number that a compiler gives out. */
  readonly builtinId: number;
};

const HEADER_BYTES = 8;
const SECTION = { custom: 0, import: 2, code: 10 } as const;
const IMPORT_KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;
const FUNCTION_NAMES = 1;
const OP = { call: 0x10, localGet: 0x20, i32Const: 0x41, end: 0x0b } as const;

type Section = { readonly id: number; readonly content: Buffer };

/** @throws AppError invalid_bundle when the bytes are no module */
export function redirectFunctions(wasm: Uint8Array, redirections: readonly Redirection[]): Uint8Array {
  try {
    const sections = sectionsOf(wasm);
    const { functions, builtin1 } = importsOf(sections);
    const names = functionNames(sections);
    const bodies = new Map<number, Buffer>();
    for (const { runtimeName, builtinId } of redirections) {
      const index = names.get(runtimeName);
      if (index !== undefined && builtin1 !== undefined) bodies.set(index - functions, callOf(builtin1, builtinId));
    }
    if (bodies.size === 0) return wasm;
    const written = sections.map(({ id, content }) => {
      const body = id === SECTION.code ? withBodies(content, bodies) : content;
      return Buffer.concat([Buffer.from([id]), unsigned(body.length), body]);
    });
    return Buffer.concat([wasm.subarray(0, HEADER_BYTES), ...written]);
  } catch (error) {
    throw new AppError("invalid_bundle", "the policy module cannot be read", { cause: error });
  }
}

class Reader {
  readonly #bytes: Buffer;
  at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  get isAtEnd(): boolean {
    return this.at >= this.#bytes.length;
  }
  byte(): number {
    return this.#bytes.readUInt8(this.at++);
  }
  /** LEB128, at most 32 bits. */
  unsigned(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }
  take(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new RangeError("beyond the end");
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }
  text(): string {
    return this.take(this.unsigned()).toString("utf8");
  }
}

function sectionsOf(wasm: Uint8Array): readonly Section[] {
  const reader = new Reader(wasm);
  reader.take(HEADER_BYTES);
  const sections: Section[] = [];
  while (!reader.isAtEnd) sections.push({ id: reader.byte(), content: reader.take(reader.unsigned()) });
  return sections;
}

/** How many functions are imported, and which of them is `opa_builtin1`. */
function importsOf(sections: readonly Section[]) {
  const content = sections.find(({ id }) => id === SECTION.import)?.content;
  const reader = new Reader(content ?? Buffer.from([0]));
  let functions = 0;
  let builtin1: number | undefined;
  for (let left = reader.unsigned(); left > 0; left--) {
    reader.text();
    const name = reader.text();
    const kind = reader.byte();
    if (kind === IMPORT_KIND.function) {
      if (name === "opa_builtin1") builtin1 = functions;
      functions++;
      reader.unsigned();
    } else if (kind === IMPORT_KIND.global) reader.take(2);
    else {
      if (kind === IMPORT_KIND.table) reader.byte();
      const hasMaximum = (reader.unsigned() & 1) === 1;
      reader.unsigned();
      if (hasMaximum) reader.unsigned();
    }
  }
  return { functions, builtin1 };
}

function functionNames(sections: readonly Section[]): ReadonlyMap<string, number> {
  const names = new Map<string, number>();
  for (const { content } of sections.filter(({ id }) => id === SECTION.custom)) {
    const reader = new Reader(content);
    if (reader.text() !== "name") continue;
    while (!reader.isAtEnd) {
      const kind = reader.byte();
      const part = new Reader(reader.take(reader.unsigned()));
      if (kind !== FUNCTION_NAMES) continue;
      for (let left = part.unsigned(); left > 0; left--) {
        const index = part.unsigned();
        names.set(part.text(), index);
      }
    }
  }
  return names;
}

function withBodies(content: Buffer, bodies: ReadonlyMap<number, Buffer>): Buffer {
  const reader = new Reader(content);
  const count = reader.unsigned();
  const parts = [unsigned(count)];
  for (let index = 0; index < count; index++) {
    const own = reader.take(reader.unsigned());
    const body = bodies.get(index) ?? own;
    parts.push(unsigned(body.length), body);
  }
  return Buffer.concat(parts);
}

/** `opa_builtin1(builtinId, 0, first parameter)`, without locals. */
function callOf(builtin1: number, builtinId: number): Buffer {
  return Buffer.concat([
    Buffer.from([0, OP.i32Const]),
    signed(builtinId),
    Buffer.from([OP.i32Const, 0, OP.localGet, 0, OP.call]),
    unsigned(builtin1),
    Buffer.from([OP.end]),
  ]);
}

function unsigned(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Of a number that is not negative: the last byte must leave the sign bit clear. */
function signed(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 64; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
