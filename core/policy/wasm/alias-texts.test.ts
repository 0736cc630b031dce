/** That a string which is left where it stands outlives whatever it has to. What is read is held against the runtime's own in plain-texts.test.ts. */
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, test } from "@jest/globals";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../../test/harness/made-bundle.ts";
import { changedBy, functionNames, runtimeOf } from "../../../test/harness/runtime-of.ts";
import { aliasTexts } from "./alias-texts.ts";
import { readBodies, turnsOf } from "./binary/code.ts";
import { readImports } from "./binary/imports.ts";
import { readSections } from "./binary/sections.ts";
import { STRING_FIELD } from "./runtime-string.ts";

const real = readFileSync(new URL("../../../rego/bundle/policy.wasm", import.meta.url));
const openOurs = runtimeOf(changedBy(real, [aliasTexts]));

test("a string takes no memory but that of its text", () => {
  const LONG = 65_536;
  const grownBy = (open: typeof openOurs) => {
    const { abi, values } = open();
    const heap = abi.opa_heap_ptr_get();
    values.loadJson(JSON.stringify(["x".repeat(LONG)]));
    return abi.opa_heap_ptr_get() - heap;
  };
  expect(grownBy(runtimeOf(real))).toBeGreaterThan(2 * LONG);
  expect(grownBy(openOurs)).toBeLessThan(LONG + 1_000);
});

test("a text is not given back with a value that was read from it", () => {
  const { abi, values, call, bytesAt } = openOurs();
  const plain = JSON.stringify("y".repeat(200));
  const address = abi.opa_malloc(plain.length);
  bytesAt(address).write(plain);
  call("opa_value_free", abi.opa_json_parse(address, plain.length));
  for (let round = 0; round < 10; round += 1) bytesAt(abi.opa_malloc(150)).fill("z", 0, 150);
  expect(values.dump(abi.opa_json_parse(address, plain.length))).toBe(plain);
});

/** Of the compiler, in a module that reads texts of its own. */
((await hasOpa()) ? describe : describe.skip)("a text that a policy reads itself", () => {
  const POLICY = `package countersign

decision := json.unmarshal(input.text) if json.is_valid(input.text)
`;
  async function made(): Promise<Uint8Array> {
    const folder = await mkdtemp(path.join(tmpdir(), "alias-texts-"));
    await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    return await readFile(path.join(folder, "policy.wasm"));
  }

  test("may go before what was read from it", async () => {
    const { values, call, bytesAt } = runtimeOf(changedBy(await made(), [aliasTexts]), ["opa_json_unmarshal"])();
    const text = '{"some": ["plain", "texts of no short length"], "": "\\n"}';
    const string = values.loadJson(JSON.stringify(text));
    const value = call("opa_json_unmarshal", string);
    const at = (offset: number) => bytesAt(string + offset).readUInt32LE();
    bytesAt(at(STRING_FIELD.text)).fill("#", 0, at(STRING_FIELD.length));
    expect(JSON.parse(values.dump(value))).toEqual(JSON.parse(text));
    expect(call("opa_json_unmarshal", values.loadJson("[1]"))).toBe(0);
    expect(call("opa_json_unmarshal", values.loadJson('"{"'))).toBe(0);
  });

  test("is read by no function of the runtime that is not known here", async () => {
    const wasm = await made();
    const sections = readSections(wasm);
    const imported = readImports(sections).filter(({ kind }) => kind === "function").length;
    const names = functionNames(wasm);
    const nameOf = new Map([...names].map(([name, index]) => [index, name]));
    const parsers = ["opa_json_parse", "opa_value_parse", "opa_json_parse_token", "opa_json_parse_string"];
    const indices = new Set(parsers.map((name) => names.get(name)));
    const callers = readBodies(sections).flatMap((body, at) =>
      turnsOf(body).turns.some(({ instruction }) => instruction.kind === "call" && indices.has(instruction.index))
        ? [nameOf.get(at + imported)]
        : [],
    );
    expect(new Set(callers)).toEqual(
      new Set([
        ...["opa_eval", "opa_json_is_valid", "opa_json_parse", "opa_json_parse_object", "opa_json_parse_set"],
        ...["opa_json_parse_token", "opa_json_unmarshal", "opa_mapping_init", "opa_value_parse"],
      ]),
    );
  });
});
