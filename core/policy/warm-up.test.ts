import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { expect, test } from "@jest/globals";
import type { Budget } from "./budget.ts";
import { BUILTINS } from "./builtins/registry.ts";
import { loadBundle } from "./bundle.ts";
import { loadCompatPolicy } from "./compat-policy.ts";
import { createPolicyHost } from "./policy-host.ts";

const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const bundle = await loadBundle(resolve(import.meta.dirname, "../../rego/bundle"));
const LEAST: Budget = { timeMs: 0.001, memoryMib: 64 };
const USUAL: Budget = { timeMs: 50, memoryMib: 64 };
const WHAT_TO_DO = /^even an empty call .* took more steps .* raise policy\.budget$/;

test("a policy to which even an empty call costs more than the budget is refused, with what to do", async () => {
  const host = createPolicyHost(deps, { defaultRealm: "corp", budget: LEAST, warmUps: 2 });
  expect(await host.activate({ ...bundle, selfTest: [] })).toEqual({
    ...{ kind: "refused", reason: "warm_up_failed", detail: expect.stringMatching(WHAT_TO_DO) },
  });
  expect(host.revision()).toBeUndefined();
});

test("so is one of opa-envoy-plugin; whatever else it says to an empty call is not judged", async () => {
  const files = new Map([["policy.wasm", bundle.wasm]]);
  const load = (budget: Budget) => loadCompatPolicy(deps, { files, path: "countersign/decision", budget });
  await expect(load(LEAST)).rejects.toMatchObject({
    ...{ code: "invalid_bundle", detail: expect.stringMatching(WHAT_TO_DO) },
  });
  expect((await load(USUAL)).cases).toBe(0);
});

test("where nobody decides by it, such a policy is taken, in either mode", async () => {
  const host = createPolicyHost(deps, { defaultRealm: "corp", budget: LEAST, warmUps: 2, anyPrice: true });
  expect(await host.activate({ ...bundle, selfTest: [] })).toMatchObject({ kind: "activated" });
  const files = new Map([["policy.wasm", bundle.wasm]]);
  const policy = await loadCompatPolicy(deps, { files, path: "countersign/decision", budget: LEAST, anyPrice: true });
  expect(policy.cases).toBe(0);
});
