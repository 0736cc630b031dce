/**
 * Finds the end of a string eight bytes at a time where OPA's runtime looks at each of its characters, which is most of what reading a text takes. A
 * string with an escape in it or a character above ASCII, and one that ends with the text, the runtime reads itself, from its beginning. DEL, which
 * it would go on to decode to itself, is as plain as others.
 */
import { call, constant, get, load, loadByte, loadEight, set, store, tee } from "./binary/assemble.ts";
import { holds } from "./binary/code.ts";
import type { Functions } from "./binary/functions.ts";
import { I32, I64, NO_RESULT, OP } from "./binary/opcodes.ts";
import { hasOther, QUOTE, WORD } from "./json-words.ts";
import { PLAIN_TOKEN } from "./runtime-string.ts";

const READ = "opa_json_lex_read_string";
/** `opa_json_lex` (`wasm/src/json.h`): the text and its length, where the token begins and ends, and where the next one is. */
const LEXER = { text: 0, length: 4, begin: 8, end: 12, next: 16 } as const;

/** What has to stand in that function: where it does not, the runtime is another one than is known here. */
const KNOWN: readonly (readonly number[])[] = [
  [
    ...[...get(0), ...load(LEXER.next), ...tee(2), ...loadByte(0), ...constant(QUOTE), OP.i32Ne, OP.brIf, 0],
    ...[...get(0), ...get(2), ...constant(1), OP.i32Add, ...tee(2), ...store(LEXER.begin)],
    ...[...get(0), ...get(2), ...store(LEXER.next), ...get(2), ...get(0), ...load(LEXER.text), ...tee(3), OP.i32Sub],
    ...[...get(0), ...load(LEXER.length), ...tee(4), OP.i32GeU],
  ],
  [
    ...[...get(0), ...get(2), ...store(LEXER.end), ...get(0), ...get(2), ...constant(1), OP.i32Add],
    ...[...store(LEXER.next), ...constant(PLAIN_TOKEN + 1), ...constant(PLAIN_TOKEN), ...get(1), OP.select],
  ],
];

/** False where the module has no such function. */
export function readPlainTexts(functions: Functions, names: ReadonlyMap<string, number>): boolean {
  const read = names.get(READ);
  if (read === undefined || !KNOWN.every((known) => holds(functions.bodyOf(read), known))) return false;
  functions.replace(read, reading(functions.append(read, functions.bodyOf(read))));
  return true;
}

/** `read(lexer)`: a token. */
function reading(own: number): Uint8Array {
  const [lexer, begin, at, end, word, found] = [0, 1, 2, 3, 4, 5];
  const isQuoteAt = (place: number) => [...get(place), ...loadByte(0), ...constant(QUOTE)];
  const behind = (place: number) => [...get(place), ...constant(1), OP.i32Add];
  return Uint8Array.of(
    ...[2, 3, I32, 2, I64, OP.block, NO_RESULT, ...get(lexer), ...load(LEXER.next), ...set(begin)],
    ...[...isQuoteAt(begin), OP.i32Ne, OP.brIf, 0, ...behind(begin), ...tee(begin), ...set(at)],
    ...[...get(lexer), ...load(LEXER.text), ...get(lexer), ...load(LEXER.length), OP.i32Add, ...set(end)],
    ...[OP.loop, NO_RESULT, ...get(at), ...constant(WORD), OP.i32Add, ...get(end), OP.i32GtU, OP.brIf, 1],
    ...[...get(at), ...loadEight(0), ...set(word), ...hasOther(word), ...tee(found), OP.i64Eqz, OP.if, NO_RESULT],
    ...[...get(at), ...constant(WORD), OP.i32Add, ...set(at), OP.br, 1, OP.end, OP.end],
    ...[...get(at), ...get(found), OP.i64Ctz, OP.i32WrapI64, ...constant(3), OP.i32ShrU, OP.i32Add, ...set(at)],
    ...[...isQuoteAt(at), OP.i32Ne, OP.brIf, 0],
    ...[...get(lexer), ...get(begin), ...store(LEXER.begin), ...get(lexer), ...get(at), ...store(LEXER.end)],
    ...[...get(lexer), ...behind(at), ...store(LEXER.next), ...constant(PLAIN_TOKEN), OP.return, OP.end],
    ...[...get(lexer), ...call(own), OP.end],
  );
}
