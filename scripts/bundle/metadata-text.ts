/**
 * METADATA that OPA reads over in silence: a key beside `custom` that it does not know, and what looks like a block and begins none. The
 * syntax tree has neither, so this is read from the text: `requires: [incidents]` beside `custom` would be a requirement that nobody checks. For OPA
 * a block begins with a comment at the start of a line whose text begins with `METADATA`, and has the comments at the start of the lines below.
 */
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";

/** Of OPA's annotations. */
const KEYS = [
  ...["scope", "title", "description", "entrypoint", "organizations", "related_resources", "authors", "schemas"],
  ...["compile", "custom"],
];
const NOT_READ =
  "is not read; write it into a block that begins with # METADATA at the start of a line and has no empty line in it";

/** In packages of ours: what to mend. */
export function unreadMetadata(file: string, text: string): readonly string[] {
  if (!/^\s*package\s+countersign\b/m.test(text)) return [];
  const faults: string[] = [];
  let block: string[] | undefined;
  const lines = text.split(/\r?\n/);
  const end = (at: number): void => {
    if (block !== undefined)
      for (const [from, fault] of keyFaults(block)) faults.push(`${file}:${at - block.length + from + 1}: ${fault}`);
    block = undefined;
  };
  for (const [at, line] of lines.entries()) {
    const begins = /^#\s*METADATA/.test(line);
    if (begins || !line.startsWith("#")) end(at);
    if (begins) block = [];
    else if (block !== undefined) block.push(line.slice(1));
    else {
      const lost = LOST.exec(line)?.[1];
      if (lost !== undefined) faults.push(`${file}:${at + 1}: ${lost.toLowerCase()} ${NOT_READ}`);
    }
  }
  end(lines.length);
  return faults;
}

/** In a comment of no block: what only a block has. */
const LOST = new RegExp(
  String.raw`^\s*#[#\s"]*(metadata(?=\W*$)|custom(?="?\s*:\s*(?:\{|$))|(?:requires|fallible_calls|negated_inputs)(?="?\s*:\s*\[))`,
  "i",
);

/** Of the lines of a block, each by its place among them. */
function keyFaults(block: readonly string[]): readonly (readonly [number, string])[] {
  const lineCounter = new LineCounter();
  const { contents, errors } = parseDocument(block.join("\n"), { lineCounter, prettyErrors: false });
  const lineOf = (offset: number) => lineCounter.linePos(offset).line - 1;
  if (errors.length > 0)
    return errors.map(({ message, pos: [offset] }) => [lineOf(offset), `METADATA is not YAML: ${message}`]);
  if (!isMap(contents)) return [];
  return contents.items.flatMap(({ key }) => {
    const name = isScalar(key) ? String(key.value) : "such a key";
    if (KEYS.includes(name)) return [];
    const line = isScalar(key) ? lineOf(key.range?.[0] ?? 0) : 0;
    return [
      [
        line,
        `METADATA has no ${name}, and it is not read; write it below custom, or take it out. METADATA has ${KEYS.join(", ")}`,
      ] as const,
    ];
  });
}
