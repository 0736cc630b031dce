/**
 * Reads protobuf messages whose strings must be UTF-8, as the format says; generated code alone inserts replacement characters, which makes two
 * different strings one. ASCII strings, which nearly all are, cost the same as before, others hardly more.
 */
import { BinaryReader } from "@bufbuild/protobuf/wire";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text of a message is not UTF-8. */
export class NotUtf8 extends Error {}

/** For `decode` of what is generated, which then throws `NotUtf8`. */
export function utf8Reader(message: Uint8Array): BinaryReader {
  return new BinaryReader(message, textOf);
}

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new NotUtf8("a text is not UTF-8", { cause: error });
  }
}
