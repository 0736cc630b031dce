/**
 * Policies that would run for ever, and inputs that were made to make them, through the real host and modules of the real
 * compiler: each ends within its budget in its own denial, and the very next evaluation is answered as if nothing had been.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Verdict } from "../../../core/domain/decision.ts";
import { type Budget, FUEL_PER_MS } from "../../../core/policy/budget.ts";
import { BUILTINS } from "../../../core/policy/builtins/registry.ts";
import { loadBundle } from "../../../core/policy/bundle.ts";
import { createPolicyHost, type PolicyHost } from "../../../core/policy/policy-host.ts";
import { hasOpa, makeBundle } from "../../harness/made-bundle.ts";
import { threadMs } from "../../harness/thread-time.ts";

const time = { nowNs: 1_795_514_400_000_000_000n };
/** Beside what steps take that use up the budget, in processor time of the thread: twice as much is what was seen, of whatever machine. */
const MOST_TIMES_A_LOOP = 5;
/** With 64 MiB of new memory, which is the kernel's time and differs by more than that from one machine to the next. */
const WITH_NEW_MEMORY_MS = 2_000;
const MOST_FUEL = 50 * FUEL_PER_MS;

const POLICY = `package countersign

decision := {"outcome": "allow", "reasons": reasons, "elevations": [], "responses": [], "context_missing": [], "malformed": []}

hundred := numbers.range(1, 100)
times(text, n) := concat("", [text | some i in numbers.range(1, n)])
kilobyte := times("0123456789", 100)
megabyte := times(times(kilobyte, 100), 10)

reasons := ["fine"] if input.case == "fine"
reasons := ["no end"] if { input.case == "loop"; some a in hundred; some b in hundred; some c in hundred; some d in hundred; a + b + c + d == 0 }
reasons := ["no end"] if { input.case == "allocate"; count([part | some a in hundred; part := concat("", [megabyte, format_int(a, 10)])]) > 0 }
reasons := ["no end"] if { input.case == "recurse"; json.unmarshal(times(times("[", 1000), 100)) }
reasons := [input.value] if input.case == "echo"
reasons := [sprintf("%v", [input.value])] if input.case == "print"
reasons := [sprintf("%v", [input.value + 1])] if input.case == "add"
reasons := ["a"] if input.case == "conflict"
reasons := ["b"] if input.case == "conflict"
reasons := [times(megabyte, 5)] if input.case == "5 MB"
reasons := [times(megabyte, 2)] if input.case == "2 MB"
reasons := [crypto.sha256(times(megabyte, 2))] if input.case == "2 MB to a built-in"
reasons := [crypto.sha256(times(megabyte, 10))] if input.case == "10 MB made for a built-in"
reasons := ["no end"] if { input.case == "built-ins"; some a in hundred; some b in hundred; some c in hundred; time.format([(a * b) * c, "UTC", kilobyte]) == "" }
reasons := ["no end"] if { input.case == "pattern"; some a in hundred; regex.replace(times(kilobyte, 10), "((0|1|2)+3|[0-9]{1,40}x)", "$1") == format_int(a, 10) }
reasons := ["no end"] if { input.case == "looks ahead"; some a in hundred; regex.replace(times("ab", 20000), "a(.*c)?", "x") == format_int(a, 10) }
reasons := ["no end"] if { input.case == "shifts"; some a in hundred; some b in hundred; some c in hundred; bits.lsh(a, 10000 + b) == c }
reasons := ["no end"] if { input.case == "large shifts"; some a in hundred; some b in hundred; some c in hundred; bits.lsh(a, 100000 + b) == c }
reasons := ["no end"] if { input.case == "failures"; some a in hundred; some b in hundred; some c in hundred; time.parse_rfc3339_ns(sprintf("%d", [(a + b) + c])) == 0 }
reasons := ["no end"] if { input.case == "formats"; some a in hundred; some b in hundred; some c in hundred; time.format([(a * b) * c, "America/New_York", "Monday, January 2 15:04:05 MST 2006"]) == "" }
reasons := ["no end"] if { input.case == "zones"; some a in hundred; some b in hundred; time.clock([a, concat("/", ["Europe", format_int(b, 10)])]) == input.value }
reasons := ["no end"] if { input.case == "abort"; some zero in numbers.range(0, 0); zero / zero == 1 }
reasons := ["no end"] if { input.case == "digits"; product([123456789012345678901234567890123456789012345678901234567890 | some _ in numbers.range(1, 400)]) == 0 }
reasons := ["no end"] if { input.case == "yaml"; some a in hundred; some b in hundred; yaml.unmarshal(times(sprintf("- {a: [%d, %d]}\\n", [a, b]), 400)) == input.value }
reasons := ["no end"] if { input.case == "query"; some a in hundred; some b in hundred; urlquery.decode_object(times(sprintf("a=%d&b=%d&", [a, b]), 400)) == input.value }
reasons := ["broken"] if { input.case == "built-in fails"; hidden }
hidden if time.parse_rfc3339_ns(input.value) > 0
`;
const APPROVAL = `package countersign.approval

route := {"automatic": "deny", "reason": "fine"} if input.case == "fine"
route := {"automatic": "deny", "reason": "never"} if { some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); some c in numbers.range(1, 2000); (a + b) + c == 0 }
may_review contains "never" if { some a in numbers.range(1, 2000); some b in numbers.range(1, 2000); some c in numbers.range(1, 2000); (a + b) + c == 0 }
`;

let folder: string;
let host: PolicyHost;

const described = (await hasOpa()) ? describe : describe.skip;

beforeAll(async () => {
  if (!(await hasOpa())) return;
  folder = await mkdtemp(path.join(tmpdir(), "runaway-"));
  await makeBundle(folder, [POLICY, APPROVAL], {});
  host = newHost({ timeMs: 50, memoryMib: 64 });
  expect(await host.activate(await loadBundle(folder))).toMatchObject({ kind: "activated" });
});
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true });
});

function newHost(budget: Budget, monotonicMs = () => performance.now()): PolicyHost {
  return createPolicyHost(
    { builtins: BUILTINS, randomBytes, monotonicMs },
    { defaultRealm: "corp", warmUps: 0, budget },
  );
}

function verdictOf(policyHost: PolicyHost, inputJson: string, at: typeof time): Verdict {
  return policyHost.decide(inputJson, at).verdict;
}

const inputOf = (name: string, value: unknown = null) => JSON.stringify({ case: name, value });

function expectFine(): void {
  expect(verdictOf(host, inputOf("fine"), time)).toMatchObject({ kind: "allow", reasons: ["fine"] });
}

described("policies that do not end", () => {
  test.each([
    ["loop", "policy_budget_exceeded", "more steps"],
    ["allocate", "policy_budget_exceeded", "more memory than its budget in countersign.reasons"],
    ["recurse", "policy_budget_exceeded", "nested too deep"],
    ["10 MB made for a built-in", "policy_budget_exceeded", "more steps"],
    ["built-ins", "policy_budget_exceeded", ""],
    ["pattern", "policy_budget_exceeded", ""],
    ["looks ahead", "policy_budget_exceeded", "more steps"],
    ["shifts", "policy_budget_exceeded", "more steps"],
    ["large shifts", "policy_budget_exceeded", "a built-in was given or made too much"],
    ["failures", "policy_budget_exceeded", "more steps"],
    ["formats", "policy_budget_exceeded", "more steps"],
    ["zones", "policy_budget_exceeded", "a built-in"],
    ["yaml", "policy_budget_exceeded", "more steps"],
    ["query", "policy_budget_exceeded", "more steps"],
    ["5 MB", "policy_result_invalid", "too large"],
    ["digits", "policy_budget_exceeded", "given or made too much in countersign.reasons"],
    ["abort", "policy_error", "aborted: opa_arith_divide: invalid number"],
    ["conflict", "policy_conflict", "conflict"],
    ["built-in fails", "policy_error", "time.parse_rfc3339_ns in countersign.hidden"],
  ])("%s: %s", (name, reason, detail) => {
    const loopMs = threadMs(0, () => expect(host.decide(inputOf("loop"), time).fuelUsed).toBe(MOST_FUEL));
    expect(loopMs).toBeLessThan(WITH_NEW_MEMORY_MS);
    const longMs = name === "allocate" ? WITH_NEW_MEMORY_MS : MOST_TIMES_A_LOOP * loopMs;
    const ms = threadMs(longMs, () => {
      const { verdict, fuelUsed } = host.decide(inputOf(name, "yesterday"), time);
      expect(fuelUsed).toBeLessThanOrEqual(MOST_FUEL);
      expect(verdict).toMatchObject({ kind: "fault", reason, detail: expect.stringContaining(detail) });
    });
    expect(ms).toBeLessThan(longMs);
    expectFine();
  });

  test("where there is time for it, more than a megabyte is too much for a built-in and for a result", async () => {
    const roomy = newHost({ timeMs: 500, memoryMib: 64 });
    await roomy.activate(await loadBundle(folder));
    expect(verdictOf(roomy, inputOf("2 MB to a built-in"), time)).toMatchObject({
      reason: "policy_budget_exceeded",
      detail: "a built-in was given or made too much in countersign.reasons",
    });
    expect(verdictOf(roomy, inputOf("2 MB"), time)).toMatchObject({
      reason: "policy_result_invalid",
      detail: "the result is too large",
    });
  });

  test("the same input costs the same, whatever came between", () => {
    const costs = ["fine", "loop", "fine", "conflict", "fine"].map((name) => host.decide(inputOf(name), time).fuelUsed);
    expect(costs[0]).toBeGreaterThan(0);
    expect(costs[2]).toBe(costs[0]);
    expect(costs[4]).toBe(costs[0]);
    expect(costs[1]).toBe(50 * FUEL_PER_MS);
  });

  test("nobody is denied because the process waited half a second for a processor in the middle of a built-in", async () => {
    let nowMs = 0;
    const stalled = newHost({ timeMs: 50, memoryMib: 64 }, () => (nowMs += 500));
    await stalled.activate(await loadBundle(folder));
    const input = inputOf("print", "x");
    expect(stalled.decide(input, time)).toEqual(host.decide(input, time));
    expect(stalled.decide(input, time).verdict).toMatchObject({ kind: "allow" });
  });

  test("routing and permission to review end too", () => {
    expect(host.route("{}", time)).toMatchObject({ kind: "failed", detail: expect.stringContaining("steps") });
    expect(host.mayReview("{}", time)).toMatchObject({ kind: "fault" });
  });
});

described("inputs that nobody sends by mistake", () => {
  const reasonsOf = (json: string) => {
    const verdict = verdictOf(host, json, time);
    return "reasons" in verdict ? verdict.reasons : verdict;
  };

  const TOO_DEEP = { reason: "policy_budget_exceeded", detail: "it nested too deep" };
  test.each([
    ["10,000 levels of lists", TOO_DEEP, `{"case":"echo","value":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
    ["10,000 levels of objects", TOO_DEEP, `{"case":"print","value":${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}}`],
    ["levels without end", TOO_DEEP, `{"case":"echo","value":${"[".repeat(1_000_000)}`],
    ["half of it", { reason: "policy_error", detail: "aborted: not readable as JSON" }, '{"case":"ec'],
  ])("%s are a fault that says why", (_, expected, json) => {
    expect(verdictOf(host, json, time)).toEqual({ kind: "fault", ...expected });
    expectFine();
  });

  test("__proto__ is a key like any other and no way to what was not said", () => {
    expect(reasonsOf('{"__proto__":{"case":"fine"}}')).toMatchObject({
      kind: "fault",
      reason: "policy_result_invalid",
    });
    expect(reasonsOf('{"case":"print","value":{"__proto__":1}}')).toEqual(['{"__proto__": 1}']);
  });

  test("of two equal keys the last counts", () => {
    expect(reasonsOf('{"case":"echo","case":"fine"}')).toEqual(["fine"]);
    expect(reasonsOf('{"case":"print","value":{"a":1,"b":2,"a":3}}')).toEqual(['{"a": 3, "b": 2}']);
  });

  test.each(["9007199254740993", "-9223372036854775809", "123456789012345678901234567890"])(
    "%s keeps its digits",
    (digits) => {
      expect(reasonsOf(`{"case":"print","value":${digits}}`)).toEqual([digits]);
      expect(reasonsOf(`{"case":"add","value":${digits}}`)).toEqual([String(BigInt(digits) + 1n)]);
    },
  );

  // No edge lets one in, and bodies are read to U+FFFD before (decision-input.test.ts): this is what the module makes of one that came all the same.
  const REFUSED = { kind: "fault", reason: "policy_error", detail: "aborted: illegal string escape character" };
  const said = (text: string) => ({ kind: "allow", reasons: [text] });
  test.each([
    ["a high one alone is a fault", String.raw`"\ud800"`, REFUSED],
    ["a high one at the end is one too", String.raw`"x\ud800"`, REFUSED],
    ["a high one before a letter is one", String.raw`"\ud800x"`, REFUSED],
    ["a low one before a letter is one", String.raw`"\udc00x"`, REFUSED],
    ["one in a key is one", String.raw`{"\ud800":1}`, REFUSED],
    ["one that is no escape is U+FFFD", '"\ud800"', said("\ufffd")],
    ["two high ones are read as the pair that they are not", String.raw`"\ud800\ud800"`, said("\ufc00")],
    ["a low one before a high one is, too", String.raw`"\udc00\ud800"`, said("\u{10fc00}")],
  ])("of surrogates, %s", (_, text, expected) => {
    expect(verdictOf(host, `{"case":"print","value":${text}}`, time)).toMatchObject(expected);
    expectFine();
  });
});
