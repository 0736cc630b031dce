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

test("a block that is called metadata in other letters is refused; a sentence that begins with the word is not", () => {
  expect(unreadMetadata("x.rego", text("Metadata", "custom:", "  requires: [incidents]"))).toEqual([
    "x.rego:1: Metadata is not read; write: # METADATA",
  ]);
  expect(unreadMetadata("x.rego", text("Metadata is above."))).toEqual([]);
});

test("nothing that this repository brings is refused", async () => {
  const rego = path.resolve(import.meta.dirname, "../../rego");
  const files = (await readdir(rego, { recursive: true })).filter((file) => file.endsWith(".rego"));
  expect(files.length).toBeGreaterThan(30);
  for (const file of files) {
    expect(unreadMetadata(file, await readFile(path.join(rego, file), "utf8"))).toEqual([]);
  }
});
