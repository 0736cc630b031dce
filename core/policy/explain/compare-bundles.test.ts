import { randomBytes } from "node:crypto";
import path from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { Verdict } from "../../domain/decision.ts";
import { type AskedBundle, createAskedBundle } from "../asked/asked-bundle.ts";
import { statementOf } from "../asked/said.ts";
import { BUILTINS } from "../builtins/registry.ts";
import { compatResult } from "../compat-result.ts";
import { parseValue } from "../rego-value/parse.ts";
import { compareBundles, differenceLines } from "./compare-bundles.ts";
import { loadAsked } from "./load-asked.ts";
import { recordedInputs } from "./recorded-inputs.ts";

type Asked = Pick<AskedBundle, "ask">;

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
const sample = path.resolve(import.meta.dirname, "../../../rego/bundle");
let bundle: Asked;
beforeAll(async () => {
  bundle = await loadAsked(sample, deps);
});

/** Says what the real one says, with one thing changed. */
function changed(change: (verdict: Verdict) => Verdict): Asked {
  return {
    ask(inputJson, time) {
      const { said, fuelUsed } = bundle.ask(inputJson, time);
      return { said: said.mode === "native" ? { ...said, verdict: change(said.verdict) } : said, fuelUsed };
    },
  };
}

/** A policy of opa-envoy-plugin that says this, whatever it is asked. */
function saying(json: string): Asked {
  return { ask: () => ({ said: { mode: "compat", result: compatResult(parseValue(json, "json")) }, fuelUsed: 1 }) };
}

const differing = (one: Asked, other: Asked) => {
  const { differences } = compareBundles(one, other, inputs);
  return differences.map((difference) => [difference.name, ...differenceLines(difference)]);
};

test("a bundle that cannot decide is an error, not a difference; before one is active, that is what it says", async () => {
  await expect(loadAsked(import.meta.dirname, deps)).rejects.toThrow();
  for (const compatPath of [undefined, "envoy/authz/allow"]) {
    const asked = createAskedBundle(deps, { compatPath });
    expect(await asked.activate(new Map())).toMatchObject({ kind: "refused", reason: "invalid_bundle" });
    expect(statementOf(asked.ask("{}", { nowNs: 1n }).said).outcome).toBe("policy_not_loaded");
  }
});

test("a bundle does not differ from itself, and its cost is told", () => {
  const { compared, differences, mostFuel } = compareBundles(bundle, bundle, inputs);
  expect({ compared, differences }).toEqual({ compared: 2, differences: [] });
  expect(mostFuel.before).toBeGreaterThan(0);
  expect(mostFuel.before).toBe(mostFuel.after);
});

describe("what differs is told by the name of its input:", () => {
  test("an outcome as both", () => {
    const deny = changed((verdict) =>
      verdict.kind === "allow" ? { ...verdict, kind: "deny", reasons: ["closed"] } : verdict,
    );
    expect(differing(bundle, deny)).toEqual([["line 1", "- allow: orders_read", "+ deny: closed"]]);
  });

  test("an elevation in one key by that key alone", () => {
    const wider = changed((verdict) => {
      if (verdict.kind !== "elevate") return verdict;
      const [first, ...rest] = verdict.elevations;
      return { ...verdict, elevations: [{ ...first, maxUses: 50 }, ...rest] };
    });
    expect(differing(bundle, wider)).toEqual([
      ["line 2", "  elevate: orders-delete order/42", "  elevations.0.maxUses: 5 → 50"],
    ]);
  });

  test("a fault by its message too", () => {
    const broken = (detail: string) => changed(() => ({ kind: "fault", reason: "policy_error", detail }));
    expect(differing(broken("x"), broken("y"))[0]).toEqual([
      ...["line 1", "- fault (a denial): policy_error: x", "+ fault (a denial): policy_error: y"],
    ]);
    expect(differing(saying("1"), saying('"a"'))[0]).toEqual([
      "line 1",
      "- fault: policy_result_invalid: failed to get response status: illegal value for policy evaluation result: json.Number",
      "+ fault: policy_result_invalid: failed to get response status: illegal value for policy evaluation result: string",
    ]);
  });

  test.each<[string, string, string, readonly string[]]>([
    ["nothing where it says the same in another form", "false", '{"allowed": false, "http_status": 403}', []],
    [
      "a status in both lines",
      "false",
      '{"allowed": false, "http_status": 402}',
      ["  deny: 403", "  status: 403 → 402"],
    ],
    [
      "a header, and metadata down to the key",
      '{"allowed": true, "dynamic_metadata": {"a": {"b": 1}}}',
      '{"allowed": true, "dynamic_metadata": {"a": {"__proto__": 2}}, "headers": {"x-user": "dana"}}',
      [
        "  allow",
        '  response.headers.0: nothing → ["x-user","dana"]',
        "  metadata.a.b: 1 → nothing",
        "  metadata.a.__proto__: nothing → 2",
      ],
    ],
  ])("of opa-envoy-plugin: %s", (_, one, other, lines) => {
    const expected = inputs.map(({ name }) => [name, ...lines]);
    expect(differing(saying(one), saying(other))).toEqual(lines.length === 0 ? [] : expected);
  });

  test("between one of ours and one of opa-envoy-plugin an approval that was a yes, and nothing where both say yes", () => {
    expect(differing(saying("true"), bundle)).toEqual([["line 2", "- allow", "+ elevate: orders-delete order/42"]]);
  });
});
