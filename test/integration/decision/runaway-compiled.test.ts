/**
 * What a compiler refuses or a budget stops on the way there, brought about by other means: functions that call each other without end, in a module
 * that was changed after it was compiled, and 10 MB for a built-in, which come from the bundle's data and need not be made first.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Budget } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { BUNDLE_LIMITS } from "../../../core/policy/bundles/bundle-files.ts";
import { createPolicyHost } from "../../../core/policy/policy-host.ts";
import { functionsOf } from "../../../core/policy/wasm/binary/functions.ts";
import { writeUnsigned32 } from "../../../core/policy/wasm/binary/leb128.ts";
import { readFunctionNames } from "../../../core/policy/wasm/binary/names.ts";
import { readSections, writeSections } from "../../../core/policy/wasm/binary/sections.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";

const TIME = { nowNs: 1_795_514_400_000_000_000n };
const BUDGET: Budget = { timeMs: 50, memoryMib: 64 };
const MEGABYTE = 1 << 20;

const decisionOf = (rules: string) => `package countersign

decision := {"outcome": "allow", "reasons": reasons, "elevations": [], "responses": [], "context_missing": [], "malformed": []}

reasons := ["fine"] if input.case == "fine"
${rules}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "runaway-compiled-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** NB: data for the largest case is more than a bundle may have. */
const LIMITS = { ...BUNDLE_LIMITS, dataBytes: 32 * MEGABYTE, totalBytes: 64 * MEGABYTE };

async function hostOf(bundle: string, budget = BUDGET) {
  const host = createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() },
    { defaultRealm: "corp", warmUps: 0, budget },
  );
  expect(await host.activate(await loadBundle(bundle, LIMITS))).toMatchObject({ kind: "activated" });
  return (name: string) => host.decide(JSON.stringify({ case: name }), TIME).verdict;
}

const described = (await hasOpa()) ? describe : describe.skip;
const FINE = { kind: "allow", reasons: ["fine"] };

described("functions that call themselves without end", () => {
  test.each([
    ["itself", "again(x) := again(x + 1)"],
    ["each other", "again(x) := step(x + 1)\\nstep(x) := again(x)".replace("\\n", "\n")],
  ])("are refused by the compiler where a function calls %s", async (_what, functions) => {
    const rules = `${functions}\nreasons := ["no end"] if { input.case == "recurse"; again(1) == 0 }`;
    await expect(makeBundle(path.join(folder, "refused"), [decisionOf(rules), NO_APPROVAL], {})).rejects.toThrow(
      "recursive",
    );
  });

  test("end in a denial where a module has them all the same, again and again, and what follows is answered", async () => {
    const rules = `again(x) := step(x + 1)
step(x) := x
reasons := ["no end"] if { input.case == "recurse"; again(1) == 0 }`;
    const bundle = path.join(folder, "recursive");
    await makeBundle(bundle, [decisionOf(rules), NO_APPROVAL], {});
    const file = path.join(bundle, "policy.wasm");
    await writeFile(file, callingBack(await readFile(file), { from: ".step", to: ".again" }));
    const decide = await hostOf(bundle);
    for (let round = 0; round < 3; round++) {
      expect(decide("recurse")).toEqual({
        kind: "fault",
        reason: "policy_budget_exceeded",
        detail: "it nested too deep in countersign.again",
      });
      expect(decide("fine")).toMatchObject(FINE);
    }
  });
});

/** `wasm` with the body of one function of a policy replaced by a call of another, which has the same parameters: input, data and one argument. */
function callingBack(wasm: Uint8Array, { from, to }: { readonly from: string; readonly to: string }): Uint8Array {
  const sections = readSections(wasm);
  const functions = functionsOf(sections);
  const named = (end: string) => {
    const found = [...readFunctionNames(sections)].filter(([, name]) => name.endsWith(`data.countersign${end}`));
    expect(found).toHaveLength(1);
    return found[0]?.[0] ?? -1;
  };
  const [localGet, call, end] = [0x20, 0x10, 0x0b];
  const all = [0, 1, 2].flatMap((parameter) => [localGet, parameter]);
  functions.replace(named(from), Uint8Array.of(0, ...all, call, ...writeUnsigned32(named(to)), end));
  return writeSections(functions.written());
}

described("10 MB for a built-in", () => {
  const RULES = `reasons := [crypto.sha256(data.text)] if input.case == "one text"
reasons := [sprintf("%v", [data.texts])] if input.case == "a list of texts"
reasons := [crypto.sha256(data.texts[0])] if input.case == "one of them"
deny if crypto.sha256(data.text) == "x"
reasons := ["not denied"] if { input.case == "a denial that needs it"; not deny }`;

  beforeAll(async () => {
    const text = "x".repeat(10 * MEGABYTE);
    const texts = Array.from({ length: 11 }, (_, at) => String(at % 10).repeat(MEGABYTE - 100));
    await makeBundle(path.join(folder, "large"), [decisionOf(RULES), NO_APPROVAL], { text, texts });
  });

  const STEPS = "it took more steps than its budget";
  const TOO_MUCH = "a built-in was given or made too much";

  // Texts for which the writer has room are written eight bytes a step, so several of them come as far as the host.
  test.each<readonly [string, Budget, { readonly one: string; readonly list: string }]>([
    [
      "in the usual time one text is not even handed over",
      { timeMs: 50, memoryMib: 256 },
      { one: STEPS, list: TOO_MUCH },
    ],
    ["in ten times as much it is, and refused", { timeMs: 500, memoryMib: 256 }, { one: TOO_MUCH, list: TOO_MUCH }],
  ])("%s: a denial that says so, and no rule is left undefined by it", async (_what, budget, { one, list }) => {
    const decide = await hostOf(path.join(folder, "large"), budget);
    for (const [name, rule, detail] of [
      ["one text", "reasons", one],
      ["a list of texts", "reasons", list],
      ["a denial that needs it", "deny", one],
    ] as const) {
      const denied = { kind: "fault", reason: "policy_budget_exceeded", detail: `${detail} in countersign.${rule}` };
      expect([name, decide(name)]).toEqual([name, denied]);
      expect(decide("fine")).toMatchObject(FINE);
    }
    expect(decide("one of them")).toMatchObject({ kind: "allow" });
  });
});
