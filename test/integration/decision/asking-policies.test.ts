/**
 * Policies that ask the network, as the real compiler makes them, evaluated again and again until all is answered. Whoever answers is the
 * test: what goes over a network is http-client.test.ts and http-send.test.ts.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Ask, Asking, Reply } from "../../../core/policy/asks.ts";
import { DEFAULT_BUDGET, FUEL_PER_MS } from "../../../core/policy/budget.ts";
import { BUILTINS_AND_NETWORK } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { loadCompatPolicy } from "../../../core/policy/compat-policy.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { hasOpa, makeBundle, NO_APPROVAL } from "../../harness/made-bundle.ts";

const deps = { builtins: BUILTINS_AND_NETWORK, randomBytes, monotonicMs: () => performance.now() };
const MOMENT = { nowNs: 1n };

/** In one module, told apart by the input. */
const POLICY = `package countersign
default outcome := "no_rule_matched"
outcome := "deny" if count(reasons) > 0
decision := {"outcome": outcome, "reasons": reasons, "elevations": set(), "responses": set(), "context_missing": set(), "malformed": set()}
get(path) := http.send({"method": "GET", "url": concat("", ["http://a.example/", path])})
reasons contains "plain" if input.case == "plain"
reasons contains get(get("first").raw_body).raw_body if input.case == "chain"
reasons contains get("same").raw_body if input.case == "twice"
reasons contains sprintf("%s again", [get("same").raw_body]) if input.case == "twice"
reasons contains post.raw_body if {
	input.case == "negated"
	not get("first").status_code == 200
	post := http.send({"method": "POST", "url": "http://a.example/effect"})
}
reasons contains "kept out" if { input.case == "negated"; get("first").status_code == 200 }
reasons contains concat(" ", [before, get("x").raw_body, uuid.rfc4122("k")]) if {
	input.case == "random"
	before := uuid.rfc4122("k")
}
reasons contains "told" if {
	input.case == "told"
	http.send({"method": "GET", "url": "http://a.example/", "raise_error": false}).error.code == "eval_http_send_network_error"
}
reasons contains net.lookup_ip_addr("b.example")[_] if input.case == "names"
reasons contains "costly" if { input.case == "costly"; count([1 | numbers.range(1, 3000)[_] > 0]) > 0; get("x").status_code == 200 }
reasons contains get("x").raw_body if { input.case == "runs away" }
reasons contains "no end" if { input.case == "runs away"; some a in hundred; some b in hundred; some c in hundred; some d in hundred; a + b + c + d == 0 }
hundred := numbers.range(1, 100)
reasons contains get(sprintf("%d", [n])).raw_body if { input.case == "many"; some n in numbers.range(1, 50) }
`;

type Spoken = { readonly method: string; readonly path: string };

function answering(reply: (ask: Spoken) => Reply | undefined): Asking & { readonly asked: string[] } {
  const replies = new Map<string, Reply>();
  const asked: string[] = [];
  return {
    replies,
    asked,
    async answer({ key, ask }) {
      const spoken = spokenBy(ask);
      asked.push(`${spoken.method} ${spoken.path}`);
      const found = reply(spoken);
      if (found === undefined) return { kind: "unanswered", why: "enough" };
      await new Promise((done) => setImmediate(done));
      replies.set(key, found);
      return { kind: "replied" };
    },
  };
}

function spokenBy(ask: Ask): Spoken {
  if (ask.kind === "addresses") return { method: "LOOKUP", path: ask.name };
  return { method: ask.method, path: new URL(ask.url).pathname };
}

const ok = (body: string): Reply => ({ kind: "http", status: "200 OK", statusCode: 200, headers: [], body });
const FAILED: Reply = { kind: "failed", code: "network", message: "a.example: ECONNREFUSED" };

((await hasOpa()) ? describe : describe.skip)("a policy that asks the network", () => {
  let folder: string;
  let host: PolicyHost;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "asking-"));
    await makeBundle(folder, [POLICY, NO_APPROVAL], {});
    host = createPolicyHost(deps, { defaultRealm: "corp", warmUps: 1 });
    expect(await host.activate(await loadBundle(folder))).toEqual({
      ...{ kind: "activated", revision: "made-by-a-test", compiled: true },
    });
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const decide = (name: string, asking: Asking) => host.decideAsking(JSON.stringify({ case: name }), MOMENT, asking);
  const reasonsOf = async (name: string, asking: Asking) => {
    const { verdict } = await decide(name, asking);
    return verdict.kind === "deny" ? verdict.reasons : verdict;
  };

  test("is evaluated at once where it asks nothing", () => {
    expect(
      decide(
        "plain",
        answering(() => undefined),
      ),
    ).toMatchObject({ verdict: { reasons: ["plain"] } });
  });

  test("is denied where nobody asks, and says what it wanted", () => {
    expect(host.decide('{"case":"chain"}', MOMENT).verdict).toEqual({
      ...{ kind: "fault", reason: "policy_ask_unanswered" },
      detail: "http.send: it asks the network, which only a decision does",
    });
  });

  test("asks the second question by the answer to the first, and no other", async () => {
    const asking = answering(({ path }) => ok(path === "/first" ? "second" : `said ${path}`));
    expect(await reasonsOf("chain", asking)).toEqual(["said /second"]);
    expect(asking.asked).toEqual(["GET /first", "GET /second"]);
  });

  test("says the same to who has the replies already, without asking", async () => {
    const asking = answering(({ path }) => ok(path === "/first" ? "second" : "end"));
    await decide("chain", asking);
    expect(host.decide('{"case":"chain"}', MOMENT, asking.replies).verdict).toMatchObject({ reasons: ["end"] });
  });

  test("asks the same question once", async () => {
    const asking = answering(() => ok("yes"));
    expect(await reasonsOf("twice", asking)).toEqual(["yes", "yes again"]);
    expect(asking.asked).toEqual(["GET /same"]);
  });

  test("never asks what only an unanswered question led to", async () => {
    const asking = answering(({ method }) => (method === "GET" ? ok("") : undefined));
    expect(await reasonsOf("negated", asking)).toEqual(["kept out"]);
    expect(asking.asked).toEqual(["GET /first"]);
  });

  test("sees the same random bytes before and after an answer", async () => {
    const reasons = await reasonsOf(
      "random",
      answering(() => ok("-")),
    );
    const [text = ""] = "kind" in reasons ? [] : reasons;
    const [before, , after] = text.split(" ");
    expect(before).toMatch(/^[0-9a-f-]{36}$/);
    expect(after).toBe(before);
  });

  test("is a fault when a question fails, unless it wants to be told", async () => {
    expect(
      await reasonsOf(
        "chain",
        answering(() => FAILED),
      ),
    ).toMatchObject({
      ...{ kind: "fault", reason: "policy_error" },
      detail: "http.send in countersign.get: a.example: ECONNREFUSED",
    });
    expect(
      await reasonsOf(
        "told",
        answering(() => FAILED),
      ),
    ).toEqual(["told"]);
  });

  test("is denied with the bound that it came to", async () => {
    const asking = answering(({ path }) => (path === "/first" ? ok("second") : undefined));
    expect(await reasonsOf("chain", asking)).toEqual({
      ...{ kind: "fault", reason: "policy_ask_unanswered", detail: "http.send: enough" },
    });
  });

  test("that asks and then goes on without end is stopped as any other, and nobody is asked", async () => {
    const asking = answering(() => ok(""));
    expect(await reasonsOf("runs away", asking)).toMatchObject({ kind: "fault", reason: "policy_budget_exceeded" });
    expect(asking.asked).toEqual([]);
  });

  test("gets the addresses of a name", async () => {
    const asking = answering(() => ({ kind: "addresses", addresses: ["10.0.0.1"] }));
    expect(await reasonsOf("names", asking)).toEqual(["10.0.0.1"]);
    expect(asking.asked).toEqual(["LOOKUP b.example"]);
  });

  test("costs what all its repetitions cost, and no more than one evaluation may", async () => {
    const once = host.decide('{"case":"costly"}', MOMENT).fuelUsed;
    const { fuelUsed } = await decide(
      "costly",
      answering(() => ok("")),
    );
    expect(fuelUsed).toBeGreaterThan(1.8 * once);
    const tight = createPolicyHost(deps, {
      defaultRealm: "corp",
      warmUps: 1,
      budget: { ...DEFAULT_BUDGET, timeMs: 1 },
    });
    await tight.activate(await loadBundle(folder));
    const many = await tight.decideAsking(
      '{"case":"many"}',
      MOMENT,
      answering(() => ok("x".repeat(10_000))),
    );
    expect(many.verdict).toMatchObject({ kind: "fault", reason: "policy_budget_exceeded" });
    expect(many.fuelUsed).toBeLessThanOrEqual(FUEL_PER_MS);
  });

  test("goes on under the bundle that it began with when another one is activated meanwhile", async () => {
    const other = createPolicyHost(deps, { defaultRealm: "corp", warmUps: 1 });
    await other.activate(await loadBundle(folder));
    const begun = other.decideAsking(
      '{"case":"chain"}',
      MOMENT,
      answering(({ path }) => ok(path === "/first" ? "2" : "old")),
    );
    await makeBundle(join(folder, "next"), [POLICY.replaceAll('"chain"', '"renamed"'), NO_APPROVAL], {});
    await other.activate(await loadBundle(join(folder, "next")));
    expect((await begun).verdict).toMatchObject({ reasons: ["old"] });
  });

  test("in compatibility mode: an error leaves its expression undefined, a bound denies, and a self-test that asks is refused", async () => {
    const files = new Map([["policy.wasm", await readFile(join(folder, "policy.wasm"))]]);
    const compat = await loadCompatPolicy(deps, { files, path: "countersign/decision/reasons" });
    const resultOf = async (reply: Reply | undefined) =>
      (
        await compat.evaluateAsking(
          '{"case":"chain"}',
          MOMENT,
          answering(() => reply),
        )
      ).result;
    expect(await resultOf(FAILED)).toMatchObject({ kind: "fault", reason: "policy_result_invalid" });
    const unanswered = { reason: "policy_ask_unanswered", message: "http.send: enough", echoes: true };
    expect(await resultOf(undefined)).toMatchObject({ kind: "fault", ...unanswered });
    const asks = { name: "asks", time: "2026-11-24T10:00:00Z", input: { case: "chain" }, expect: { a: 1 } };
    files.set("self-test.json", Buffer.from(JSON.stringify({ cases: [asks] })));
    await expect(loadCompatPolicy(deps, { files, path: "countersign/decision" })).rejects.toMatchObject({
      detail: 'self-test.json: case "asks": http.send: it asks the network, which only a decision does',
    });
  });
});
