import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import type { Budget } from "./budget.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { loadCompatPolicy } from "./compat-policy.ts";

const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const wasm = await readFile(resolve(import.meta.dirname, "../../rego/bundle/policy.wasm"));

test("a policy to which even an empty call costs more than the budget is refused, with what to do; any other answer to it is none of ours", async () => {
  const load = (budget: Budget) =>
    loadCompatPolicy(deps, { files: new Map([["policy.wasm", wasm]]), path: "countersign/decision", budget });
  await expect(load({ timeMs: 0.001, memoryMib: 64 })).rejects.toMatchObject({
    code: "invalid_bundle",
    detail: expect.stringMatching(/^even an empty call .* took more steps .* raise policy\.budget$/),
  });
  expect((await load({ timeMs: 50, memoryMib: 64 })).cases).toBe(0);
});
