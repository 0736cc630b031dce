import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { unreadMetadata } from "./metadata-text.ts";

const text = (...lines: readonly string[]) =>
  `${lines.map((line) => `# ${line}\n`).join("")}package countersign.policies.wiki\n`;

test("a key beside custom that OPA does not know is refused by its line; below custom, in a description and in another's package it is not", () => {
  for (const key of ["requires", "fallible_calls", "customs", "Custom"]) {
    expect(unreadMetadata("x.rego", text("METADATA", "scope: package", `${key}: [incidents]`))).toEqual([
      expect.stringContaining(`x.rego:3: METADATA has no ${key}, and it is not read; write it below custom`),
    ]);
  }
  for (const lines of [
    ["METADATA", "scope: package", "custom:", "  requires: [incidents]"],
    ["METADATA", "description: |", "  requires: nothing", "schemas:", "- input: schema.input"],
    ["requires: nothing, since it is read at once"],
  ]) {
    expect(unreadMetadata("x.rego", text(...lines))).toEqual([]);
  }
  const other = text("METADATA", "requires: [incidents]").replace("countersign", "acme");
  expect(unreadMetadata("x.rego", other)).toEqual([]);
});

test("a key that OPA does not know is refused however YAML writes it, and what is no YAML is refused", () => {
  for (const line of ['"requires": [incidents]', "? requires", "{scope: package, requires: [incidents]}"]) {
    expect(unreadMetadata("x.rego", text("METADATA", line))).toEqual([
      expect.stringContaining("x.rego:2: METADATA has no requires, and it is not read"),
    ]);
  }
  expect(unreadMetadata("x.rego", text("METADATA", "custom: {}", '"requires": [incidents]'))).toHaveLength(1);
  for (const lines of [["custom: ["], ["scope: package", "---", "requires: [incidents]"]]) {
    expect(unreadMetadata("x.rego", text("METADATA", ...lines))[0]).toContain("METADATA is not YAML");
  }
});

test("below a licence header a block is judged as OPA reads it, and so is a second one", () => {
  const right = ["METADATA", "scope: package", "custom:", "  requires: [incidents]"];
  const wrong = ["METADATA", "scope: package", "requires: [incidents]"];
  for (const header of [["Copyright Acme"], [""], ["METADATA of this package", "title: x"]]) {
    expect(unreadMetadata("x.rego", text(...header, ...right))).toEqual([]);
    expect(unreadMetadata("x.rego", text(...header, ...wrong))).toEqual([
      expect.stringContaining(`x.rego:${header.length + 3}: METADATA has no requires`),
    ]);
  }
  expect(unreadMetadata("x.rego", text("METADATA of this", "requires: [incidents]"))).toHaveLength(1);
});

test("what is called metadata and begins no block is refused; a sentence that begins with the word is not", () => {
  for (const word of ["Metadata", "metadata", "Metadata:", "# METADATA", "#METADATA"]) {
    for (const header of [[], ["Copyright"]]) {
      expect(unreadMetadata("x.rego", text(...header, word, "scope: package"))).toEqual([
        expect.stringMatching(
          `^x.rego:${header.length + 1}: metadata is not read; .* # METADATA at the start of a line`,
        ),
      ]);
    }
  }
  expect(unreadMetadata("x.rego", `  ${text("METADATA")}`)).toHaveLength(1);
  expect(unreadMetadata("x.rego", text("Metadata is above.", "This metadata"))).toEqual([]);
});

test("in a comment of no block, what only a block has is refused", () => {
  const after = (...lines: readonly string[]) => `# METADATA\n# scope: package\n\n${text(...lines)}`;
  for (const lines of [
    ["custom:", "  requires: [incidents]"],
    ["custom: {requires: [incidents]}"],
    ["  requires: [incidents]"],
    ['"negated_inputs": [input.context.country]'],
  ]) {
    expect(unreadMetadata("x.rego", after(...lines))[0]).toMatch(/^x\.rego:4: \w+ is not read; /);
    expect(unreadMetadata("x.rego", text(...lines))[0]).toMatch(/^x\.rego:1: /);
  }
  expect(unreadMetadata("x.rego", `# METADATA\n# scope: package\n  # custom:\npackage countersign.x\n`)).toHaveLength(
    1,
  );
  expect(unreadMetadata("x.rego", after("It requires: an incident.", "Custom: what is ours."))).toEqual([]);
});

test("a package that is not at the start of its line is one of ours, too", () => {
  expect(unreadMetadata("x.rego", "# Metadata\n  package countersign.policies.wiki\n")).toHaveLength(1);
});

test("nothing that this repository brings is refused", async () => {
  const rego = path.resolve(import.meta.dirname, "../../rego");
  const files = (await readdir(rego, { recursive: true })).filter((file) => file.endsWith(".rego"));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    expect(unreadMetadata(file, await readFile(path.join(rego, file), "utf8"))).toEqual([]);
  }
});
