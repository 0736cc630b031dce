/** Comments of a module, with the only locations that its tree has. */
import { Buffer } from "node:buffer";
import type { Comment } from "./syntax.ts";
import type { Token } from "./tokens.ts";

const CARRIAGE_RETURN = 0x0d;

/** `tokens` in the order of the text. */
export function commentsOf(tokens: readonly Token[], source: string, file: string): readonly Comment[] {
  let row = 1;
  let begin = 0;
  return tokens.map((token) => {
    for (let end = source.indexOf("\n", begin); end !== -1 && end < token.from; end = source.indexOf("\n", begin)) {
      begin = end + 1;
      row++;
    }
    const col = [...source.slice(begin, token.from)].length + 1;
    return { Text: textOf(token, source), Location: { file, row, col } };
  });
}

/**
 * Without the carriage returns at its end, as OPA takes them away: not the very first. NB: of a comment at the end of the
 * text it also loses the last bytes of a character that has more than one.
 */
function textOf(token: Token, source: string): string | null {
  const bytes = Buffer.from(token.text.slice(1));
  const last = [...token.text.slice(-2)].at(-1) ?? "";
  let { length } = bytes;
  if (token.to === source.length) length -= Buffer.byteLength(last) - 1;
  if (length === 1 && bytes[0] === CARRIAGE_RETURN) return null;
  while (length > 1 && bytes[length - 1] === CARRIAGE_RETURN) length--;
  return bytes.subarray(0, length).toString("base64");
}
