/**
 * `rego.parse_module` against OPA itself: every policy of this repository, a text for each construct and for what looks like one, with and
 * without the keywords of the future, and thousands of texts made of them by cutting, doubling and swapping their words. Either both refuse a
 * text or both give the same tree.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { BuiltinError } from "../../../core/policy/builtin.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { parseValue } from "../../../core/policy/rego-value/parse.ts";
import { isRegoArray, type RegoValue } from "../../../core/policy/rego-value/value.ts";
import { writeRego } from "../../../core/policy/rego-value/write.ts";
import { builtinCall } from "../../../test/harness/run-builtin.ts";
import { resolveTool } from "../../tools/resolve-tool.ts";
import { runCommand } from "../../tools/run-command.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const HEADERS = ["", "import future.keywords\n", "import future.keywords.not\n", "import rego.v1\nimport data.x\n"];
/** What OPA is asked in one run. */
const AT_ONCE = 2_000;
const MUTATIONS = 3_000;
const TIMEOUT_MS = 120_000;

const opa = await resolveTool("opa");
const describeWithOpa = opa.kind === "found" ? describe : describe.skip;

/** What OPA gives of each text: the tree, or nothing. */
async function answersOfOpa(texts: readonly string[]): Promise<readonly RegoValue[]> {
  if (opa.kind !== "found") throw new Error("OPA is missing");
  const folder = await mkdtemp(path.join(tmpdir(), "countersign-parse-module-"));
  try {
    const input = path.join(folder, "input.json");
    await writeFile(input, JSON.stringify(texts));
    const query = '[answer | some text in input; answer := [tree | tree := rego.parse_module("x.rego", text)]]';
    const result = await runCommand(opa.location, ["eval", "--format", "raw", "--input", input, query], {
      timeoutMs: TIMEOUT_MS,
    });
    if (result.kind === "failed") throw new Error(result.message);
    const answers = parseValue(result.output.trim(), "json");
    return isRegoArray(answers) ? answers : [];
  } finally {
    await rm(folder, { recursive: true });
  }
}

function answerOfOurs(text: string): RegoValue {
  try {
    return [BUILTINS.get("rego.parse_module")?.(["x.rego", text], builtinCall) ?? null];
  } catch (error) {
    if (error instanceof BuiltinError) return [];
    throw error;
  }
}

/** How many of the texts are modules. */
async function expectTheSame(texts: readonly string[]): Promise<number> {
  const trees: string[] = [];
  for (let at = 0; at < texts.length; at += AT_ONCE) {
    const answers = await answersOfOpa(texts.slice(at, at + AT_ONCE));
    trees.push(...answers.map(writeRego));
  }
  expect(trees).toHaveLength(texts.length);
  const ours = texts.map((text) => writeRego(answerOfOurs(text)));
  const others = texts.flatMap((text, at) =>
    ours[at] === trees[at] ? [] : [{ text, ours: ours[at], opa: trees[at] }],
  );
  expect(others.slice(0, 3)).toEqual([]);
  return trees.filter((tree) => tree !== "[]").length;
}

/** A line that begins with a space goes on with the one before. */
async function snippets(): Promise<readonly string[]> {
  const lines = await readFile(path.join(import.meta.dirname, "parse-module-snippets.txt"), "utf8");
  return lines.trimEnd().split(/\n(?! )/);
}

const WORD = /\s+|[A-Za-z_]\w*|"(?:[^"\\\n]|\\.)*"|`[^`]*`|\d+|:=|[=!<>]=|[^]/g;

/** Numbers below `limit`, the same in each run. */
function numbers(): (limit: number) => number {
  let state = 1;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % limit;
  };
}

function mutated(text: string, words: readonly string[], below: (limit: number) => number): string {
  const parts = text.match(WORD) ?? [];
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const [at, other] = [below(parts.length + 1), below(parts.length + 1)];
    const word = words[below(words.length)] ?? "";
    const kinds = [
      () => parts.splice(at, 1),
      () => parts.splice(at, 0, word),
      () => parts.splice(at, 1, word),
      () => parts.splice(at, 0, ...parts.slice(other, other + 4)),
      () => parts.splice(at, 1, parts[other] ?? ""),
    ];
    kinds[below(kinds.length)]?.();
  }
  return parts.join("");
}

describeWithOpa("a text has the tree that OPA gives it, or is none to both", () => {
  test(
    "the policies of this repository",
    async () => {
      const names = await readdir(root, { recursive: true });
      const policies = names.filter((name) => name.endsWith(".rego") && !/(?:^|\/)(?:node_modules|\.)/.test(name));
      const texts = await Promise.all(policies.map((name) => readFile(path.join(root, name), "utf8")));
      expect(await expectTheSame(texts)).toBe(texts.length);
      expect(texts.length).toBeGreaterThan(20);
    },
    TIMEOUT_MS,
  );

  test(
    "each construct, alone, between others, and with other imports",
    async () => {
      const all = await snippets();
      const texts = HEADERS.flatMap((header) =>
        all.flatMap((snippet) => [
          `package a\n${header}${snippet}`,
          `package a\n${header}# é\nq := 1\n${snippet}\nr if z # 😀`,
        ]),
      );
      expect(await expectTheSame(texts)).toBeGreaterThan(texts.length / 3);
    },
    TIMEOUT_MS,
  );

  test(
    "comments, line ends and marks at the edges",
    async () => {
      const edges = [
        "#",
        "#\r",
        "#\r\r",
        "# é",
        "# é\r\n",
        "#😀",
        "\ufeff# x",
        "# \ufeff",
        "é",
        "\t\té# x",
        "\u00a0",
        "\0",
      ];
      const texts = edges.flatMap((edge) => [`package a\n${edge}`, `${edge}\npackage a # é`, `package a\n${edge}\n`]);
      expect(await expectTheSame(["", "\n", ...texts])).toBeGreaterThan(texts.length / 3);
    },
    TIMEOUT_MS,
  );

  test(
    "what is left when words are cut out, doubled and swapped",
    async () => {
      const all = await snippets();
      const words = [...new Set(all.flatMap((snippet) => snippet.match(WORD) ?? []))];
      const below = numbers();
      const texts = Array.from({ length: MUTATIONS }, (_, at) => {
        const [first = "", second = ""] = [all[below(all.length)], all[below(all.length)]];
        return `package a\n${HEADERS[at % 2] ?? ""}${mutated(`${first}\n${second}`, words, below)}`;
      });
      expect(await expectTheSame(texts)).toBeGreaterThan(MUTATIONS / 20);
    },
    TIMEOUT_MS,
  );
});
