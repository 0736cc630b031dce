/**
 * PEM blocks as Go's encoding/pem finds them: text around a block is skipped, a block that is broken is passed over, and
 * what follows is handed back, since some callers refuse anything after the block.
 */
import { decodeBase64 } from "./go-base64.ts";

type PemBlock = { readonly type: string; readonly bytes: Uint8Array; readonly rest: string };

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/** The first block of a text, or undefined. */
export function nextPemBlock(text: string): PemBlock | undefined {
  for (let from = 0; ; ) {
    const end = text.indexOf(END, from);
    if (end < 0) return undefined;
    // NB: no search goes back beyond `from` or on beyond the next line: each part of a text is looked at once.
    const begin = text.slice(from, end).lastIndexOf(BEGIN);
    const block = begin >= 0 ? blockAt(text, from + begin, end) : undefined;
    if (block !== undefined) return block;
    from = end + END.length;
  }
}

/** The block between the line at `begin` and the line at `end`. */
function blockAt(text: string, begin: number, end: number): PemBlock | undefined {
  if (!text.slice(begin, end).includes("\n")) return undefined;
  const first = lineAt(text, begin);
  const type = first.line.slice(BEGIN.length, -DASHES.length);
  const startsLine = begin === 0 || text[begin - 1] === "\n";
  if (!startsLine || !first.line.endsWith(DASHES)) return undefined;
  const ending = `${END}${type}${DASHES}`;
  if (!text.startsWith(ending, end)) return undefined;
  const last = lineAt(text, end);
  if (last.line !== ending) return undefined;
  let body = first.next;
  for (let line = lineAt(text, body); body < end && line.line.includes(":"); line = lineAt(text, body))
    body = line.next;
  const bytes = body <= end ? decodeBase64(text.slice(body, end).replace(/[ \t]/g, "")) : undefined;
  return bytes === undefined ? undefined : { type, bytes, rest: text.slice(last.next) };
}

function lineAt(text: string, from: number): { readonly line: string; readonly next: number } {
  const end = text.indexOf("\n", from);
  const line = text.slice(from, end < 0 ? text.length : end);
  return { line: line.trimEnd(), next: end < 0 ? text.length : end + 1 };
}
