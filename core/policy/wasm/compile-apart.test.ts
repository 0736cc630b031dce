import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import { DEFAULT_BUDGET } from "../budget.ts";
import { compileApart } from "./compile-apart.ts";

/** A thread that starts and loads its code, over and over, on a machine where that takes a second each time. */
const PATIENCE_MS = 120_000;

const wasm = await readFile(resolve(import.meta.dirname, "../../../rego/bundle/policy.wasm"));

test(
  "what cannot be compiled is refused each time it is tried, and leaves nobody waiting",
  async () => {
    for (let n = 0; n < 20; n += 1) {
      await expect(compileApart({ wasm: wasm.subarray(0, 1_000 + n) })).rejects.toMatchObject({
        code: "invalid_bundle",
      });
    }
  },
  PATIENCE_MS,
);

test(
  "a policy that cannot be warmed up comes back all the same: what is wrong with it is found where it is activated",
  async () => {
    const warmUp = {
      dataJson: "{",
      budget: DEFAULT_BUDGET,
      questions: [{ entrypoint: "none", inputJson: "" }],
      times: 3,
    };
    for (const dataJson of ["{", "{}"]) {
      const module = await compileApart({ wasm, warmUp: { ...warmUp, dataJson } });
      expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toContain("opa_eval");
    }
  },
  PATIENCE_MS,
);

test(
  "a whole module comes back compiled",
  async () => {
    expect(WebAssembly.Module.exports(await compileApart({ wasm })).map(({ name }) => name)).toContain("opa_eval");
  },
  PATIENCE_MS,
);
