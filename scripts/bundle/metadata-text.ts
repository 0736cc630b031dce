/**
 * METADATA that OPA reads over in silence: a key beside `custom` that it does not know, and a block whose first line is not `METADATA` in capitals. The
 * syntax tree has neither, so this is read from the text: `requires: [incidents]` beside `custom` would be a requirement that nobody checks.
 */

/** Of OPA's annotations. */
const KEYS = [
  ...["scope", "title", "description", "entrypoint", "organizations", "related_resources", "authors", "schemas"],
  ...["compile", "custom"],
];

/** In packages of ours: what to mend. */
export function unreadMetadata(file: string, text: string): readonly string[] {
  if (!/^package\s+countersign\b/m.test(text)) return [];
  return blocksOf(text).flatMap(({ line, comments: [first = "", ...more] }) => {
    const word = first.trim();
    if (word !== "METADATA" && word.toUpperCase() === "METADATA")
      return [`${file}:${line}: ${word} is not read; write: # METADATA`];
    if (word !== "METADATA") return [];
    const indent = /^\s*/.exec(more.find((comment) => comment.trim() !== "") ?? "")?.[0] ?? "";
    return more.flatMap((comment, at) => {
      const key = comment.startsWith(indent) ? /^([\w-]+)\s*:/.exec(comment.slice(indent.length))?.[1] : undefined;
      return key === undefined || KEYS.includes(key)
        ? []
        : [
            `${file}:${line + at + 1}: METADATA has no ${key}, and it is not read; write it below custom, or take it out. METADATA has ${KEYS.join(", ")}`,
          ];
    });
  });
}

type Block = { readonly line: number; readonly comments: readonly string[] };

/** Comments that have their lines for themselves, without the `#`. */
function blocksOf(text: string): readonly Block[] {
  const lines = text.split(/\r?\n/).map((line) => /^\s*#(.*)$/.exec(line)?.[1]);
  return lines.flatMap((comment, at) => {
    if (comment === undefined || (at > 0 && lines[at - 1] !== undefined)) return [];
    const end = lines.indexOf(undefined, at);
    const comments = lines.slice(at, end < 0 ? lines.length : end).filter((one) => one !== undefined);
    return [{ line: at + 1, comments }];
  });
}
