/**
 * Documentation that names a file which does not exist is worse than none. Every repository path in backticks in README.md,
 * the other pages at the root, and docs/ must exist. A path is recognised by a slash and a first part that is a folder of
 * this repository. Placeholders (`*`, `<x>`, `…`,
 * capitals such as DIR) are passed over, and so is what only exists after a run (.data, .tools). So must what a link leads to.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "../..");

function pages(): readonly string[] {
  const atRoot = readdirSync(root).filter((name) => name.endsWith(".md"));
  const docs = path.join(root, "docs");
  const inDocs = existsSync(docs) ? readdirSync(docs, { recursive: true, encoding: "utf8" }) : [];
  return [...atRoot, ...inDocs.filter((name) => name.endsWith(".md")).map((name) => path.join("docs", name))];
}

const folders = new Set(
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "node_modules")
    .map((entry) => entry.name),
);
const made = [".data", ".tools", ".git"];

/** The repository paths that a page names, without line numbers and anchors. */
function namedPaths(text: string): readonly string[] {
  const quoted = [...text.matchAll(/`([^`\n]+)`/g)].map(([, inside]) => inside ?? "");
  const linked = [...text.matchAll(/\]\(((?!https?:|#)[^)\s]+)\)/g)].map(([, inside]) => inside ?? "");
  return [...quoted, ...linked]
    .map((name) => name.replace(/^\.\//, "").replace(/(:\d+|#.*)$/, ""))
    .filter((name) => /^[\w.@/-]+$/.test(name) && name.includes("/"))
    .filter((name) => {
      const first = name.split("/")[0] ?? "";
      return folders.has(first) && !made.includes(first) && !/(^|\/)[A-Z]{2,}(\/|$)/.test(name);
    });
}

test("a page naming a file that is gone would be noticed", () => {
  const page =
    "see `core/domain/no-such-file.ts:12` and `npm run x`, `core/*`, `and/or`, [it](test/gone.ts), [x](https://a/b)";
  expect(namedPaths(page)).toEqual(["core/domain/no-such-file.ts", "test/gone.ts"]);
  expect(existsSync(path.join(root, "core/domain/no-such-file.ts"))).toBe(false);
});

test("every repository file that the documentation names exists", () => {
  const gone = pages().flatMap((page) =>
    namedPaths(readFileSync(path.join(root, page), "utf8"))
      .filter((name) => !existsSync(path.join(root, name)))
      .map((name) => `${page}: ${name}`),
  );
  expect(gone).toEqual([]);
});
