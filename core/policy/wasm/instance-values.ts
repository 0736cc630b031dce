/**
 * Values in and out of the memory of one instance. Text crosses once: it is written where it will be parsed and read where
 * it was dumped, through one view that is renewed only when the memory has grown, which takes the old one its bytes: to
 * ask the memory for its buffer each time costs as much as reading a short text.
 */
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import type { AbiExports } from "./abi.ts";
import { Aborted } from "./evaluation.ts";

export type InstanceValues = {
  /** The zero-terminated bytes at an address, one character per byte. */
  rawText(address: number): string;
  /** The same as Unicode, with bytes that are not UTF-8 kept (rego-value/bytes.ts). */
  text(address: number): string;
  /** Rego text of a value. */
  dump(address: number): string;
  dumpRaw(address: number): string;
  /** @throws Aborted when the text cannot be read */
  loadJson(text: string): number;
  /** Address of the value, 0 when the text cannot be read. */
  parse(text: string): number;
  memoryBytes(): number;
};

const NOT_ASCII = /[\u0080-\u00ff]/;

export function createInstanceValues(memory: WebAssembly.Memory, abi: () => AbiExports): InstanceValues {
  let view = Buffer.from(memory.buffer);
  function bytes(): Buffer {
    if (view.length === 0) view = Buffer.from(memory.buffer);
    return view;
  }

  function rawText(address: number): string {
    const all = bytes();
    const end = all.indexOf(0, address);
    return all.toString("latin1", address, end < 0 ? all.length : end);
  }

  function text(address: number): string {
    return unicodeOf(rawText(address));
  }

  /** The address and length of the text's bytes in memory. */
  function place(content: string): readonly [address: number, length: number] {
    if (content.isWellFormed()) {
      const length = Buffer.byteLength(content);
      const address = abi().opa_malloc(length);
      bytes().write(content, address, length, "utf8");
      return [address, length];
    }
    const encoded = bytesOfText(content);
    const address = abi().opa_malloc(encoded.length);
    bytes().set(encoded, address);
    return [address, encoded.length];
  }

  return {
    rawText,
    text,
    dump: (address) => text(abi().opa_value_dump(address)),
    dumpRaw: (address) => rawText(abi().opa_value_dump(address)),
    loadJson(content) {
      const address = abi().opa_json_parse(...place(content));
      if (address === 0) throw new Aborted("not readable as JSON");
      return address;
    },
    parse: (content) => abi().opa_value_parse(...place(content)),
    memoryBytes: () => bytes().length,
  };
}

/** Of bytes that stand one in each character. */
export function unicodeOf(raw: string): string {
  return NOT_ASCII.test(raw) ? textOfBytes(Buffer.from(raw, "latin1")) : raw;
}
