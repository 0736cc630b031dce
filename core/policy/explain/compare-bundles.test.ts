import { randomBytes } from "node:crypto";
import path from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { Verdict } from "../../domain/decision.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { type Bundle, loadBundle } from "../bundle.ts";
import type { PolicyHost } from "../policy-host.ts";
import { compareBundles, differenceLines, hostOf, verdictText } from "./compare-bundles.ts";
import { recordedInputs } from "./recorded-inputs.ts";

const deps = { builtins: BUILTINS, randomBytes, monotonicMs: () => performance.now() };
const inputs = recordedInputs(
  ["GET", "DELETE"]
    .map((method) =>
      JSON.stringify({
        action: { name: method },
        parsed_path: ["orders", "42"],
        parsed_body: null,
        subject: { properties: { groups: ["engineers"] } },
        context: { time: "2026-11-24T10:00:00Z", source_address: "10.1.2.3", state: { fresh: true } },
      }),
    )
    .join("\n"),
);
let bundle: Bundle;
let host: PolicyHost;
beforeAll(async () => {
  bundle = await loadBundle(path.resolve(import.meta.dirname, "../../../rego/bundle"));
  host = await hostOf(bundle, deps);
});

/** Says what the real one says, with one thing changed. */
function changed(change: (verdict: Verdict) => Verdict): Pick<PolicyHost, "decide"> {
  return {
    decide(inputJson, time) {
      const { verdict, fuelUsed } = host.decide(inputJson, time);
      return { verdict: change(verdict), fuelUsed };
    },
  };
}

test("a bundle that cannot decide is an error, not a difference", async () => {
  await expect(hostOf({ ...bundle, wasm: Uint8Array.of(0, 97, 115, 109) }, deps)).rejects.toThrow("invalid_module");
});

test("a bundle does not differ from itself, and its cost is told", () => {
  const { compared, differences, mostFuel } = compareBundles(host, host, inputs);
  expect({ compared, differences }).toEqual({ compared: 2, differences: [] });
  expect(mostFuel.before).toBeGreaterThan(0);
  expect(mostFuel.before).toBe(mostFuel.after);
});

test("an outcome that differs is told as both, by the name of its input", () => {
  const deny = changed((verdict) =>
    verdict.kind === "allow" ? { ...verdict, kind: "deny", reasons: ["closed"] } : verdict,
  );
  const { differences } = compareBundles(host, deny, inputs);
  expect(differences.map((one) => [one.name, ...differenceLines(one)])).toEqual([
    ["line 1", "- allow: orders_read", "+ deny: closed"],
  ]);
});

test("an elevation that differs in one key is told by that key alone", () => {
  const wider = changed((verdict) => {
    if (verdict.kind !== "elevate") return verdict;
    const [first, ...rest] = verdict.elevations;
    return { ...verdict, elevations: [{ ...first, maxUses: 50 }, ...rest] };
  });
  const { differences } = compareBundles(host, wider, inputs);
  expect(differences.map(differenceLines)).toEqual([
    ["  elevate: orders-delete order/42", "  elevations.0.maxUses: 5 → 50"],
  ]);
});

test("a verdict is one line; a fault says that it denies", () => {
  expect(verdictText({ kind: "fault", reason: "policy_error", detail: "x" })).toBe("fault (a denial): policy_error: x");
});
