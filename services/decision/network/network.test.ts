import { describe, expect, test } from "@jest/globals";
import { type Ask, type HttpAsk, type HttpReply, Unanswered } from "../../../core/policy/asks.ts";
import type { AskedHost, Deadline } from "../ports.ts";
import { NotListed, TooLarge } from "./http-client.ts";
import { createKeptReplies } from "./kept-replies.ts";
import { createListedHosts } from "./listed-hosts.ts";
import { createNetwork } from "./network.ts";

const OK: HttpReply = { kind: "http", status: "200 OK", statusCode: 200, headers: [], body: "yes" };
const deadlineOf = (ms: number): Deadline => ({ leftMs: () => ms, within: () => deadlineOf(ms) });
const question = (ask: Partial<HttpAsk> = {}, key = "k") =>
  new Unanswered("http.send", key, {
    ...{ kind: "http", method: "GET", url: "http://user:secret@a.example/path?token=secret", headers: [] },
    ...{ body: undefined, followsRedirects: false, timeoutMs: undefined, retries: 0, tls: undefined, cache: undefined },
    ...ask,
  } satisfies Ask);
const lookup = (name: string) => new Unanswered("net.lookup_ip_addr", name, { kind: "addresses", name });

/** Answers when the time that it is given is over. */
const never = (_: HttpAsk, signal: AbortSignal) =>
  new Promise<HttpReply>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

function networkOf(
  send: (ask: HttpAsk, signal: AbortSignal) => Promise<HttpReply>,
  bounds: Partial<{ maxCalls: number; timeoutMs: number; maxWaiting: number }> = {},
) {
  const observed: AskedHost[] = [];
  const network = createNetwork(
    {
      client: { send },
      resolve: (name) => (name === "slow.example" ? new Promise(() => {}) : Promise.resolve(["10.0.0.1"])),
      hosts: createListedHosts(["b.example:80", "slow.example"], []),
      kept: createKeptReplies({ maxBytes: 100_000 }),
      observe: (asked) => void observed.push(asked),
      wallMs: () => 1_000,
      monotonicMs: () => performance.now(),
    },
    { maxCalls: 8, timeoutMs: 5_000, maxWaiting: 4, ...bounds },
  );
  const decision = (ms = 10_000) => network.forDecision(deadlineOf(ms));
  return { decision, observed };
}

test("a reply is there for the next evaluation, and on record without what was asked", async () => {
  const { decision, observed } = networkOf(() => Promise.resolve(OK));
  const asking = decision();
  expect(await asking.answer(question())).toEqual({ kind: "replied" });
  expect(asking.replies.get("k")).toBe(OK);
  expect(asking.asked()).toMatchObject([{ host: "a.example", outcome: "answered" }]);
  expect(observed).toEqual(asking.asked());
  expect(JSON.stringify(observed)).not.toContain("secret");
});

describe("the decision ends", () => {
  test("at one question more than it may ask", async () => {
    const asking = networkOf(() => Promise.resolve(OK), { maxCalls: 1 }).decision();
    await asking.answer(question());
    expect(await asking.answer(question({}, "other"))).toEqual({ kind: "unanswered", why: "more than 1 questions" });
  });

  test.each([
    ["the time for all questions", { timeoutMs: 20 }, 10_000],
    ["the time of the decision itself", {}, 20],
  ])("when %s is over", async (_, bounds, leftMs) => {
    const asking = networkOf(never, bounds).decision(leftMs);
    const ended = { kind: "unanswered", why: "a.example did not answer in time" };
    expect(await asking.answer(question())).toEqual(ended);
    expect(asking.asked()).toMatchObject([{ host: "a.example", outcome: "unanswered" }]);
    expect(asking.waitedMs()).toBeGreaterThanOrEqual(15);
  });

  test("when no time is left, without asking", async () => {
    const asking = networkOf(() => Promise.reject(new Error("asked"))).decision(0);
    expect(await asking.answer(question())).toEqual({ kind: "unanswered", why: "no time is left for it" });
  });

  test("when too many wait already, and their places are free again once they are done", async () => {
    const { decision } = networkOf(never, { maxWaiting: 1, timeoutMs: 30 });
    const first = decision().answer(question());
    expect(await decision().answer(question())).toMatchObject({ why: "too many decisions wait for the network" });
    await first;
    expect(await decision().answer(question())).toMatchObject({ why: "a.example did not answer in time" });
  });

  test("when the answer is larger than answers may be", async () => {
    const asking = networkOf(() => Promise.reject(new TooLarge("the answer has more than 9 bytes"))).decision();
    expect(await asking.answer(question())).toEqual({ kind: "unanswered", why: "the answer has more than 9 bytes" });
  });

  test("when a name server does not answer", async () => {
    const asking = networkOf(never, { timeoutMs: 20 }).decision();
    expect(await asking.answer(lookup("slow.example"))).toMatchObject({ why: "slow.example did not answer in time" });
  });
});

describe("the policy is told an error, without what it asked", () => {
  test.each([
    [
      "no connection",
      Object.assign(new Error("http://secret"), { code: "ECONNREFUSED" }),
      "network",
      "a.example: ECONNREFUSED",
    ],
    ["anything else", new Error("http://secret"), "network", "a.example: no answer"],
    ["what cannot be sent", new TypeError("secret"), "internal", "a.example: no answer"],
    ["a host that is not listed", new NotListed("unallowed host: c.example"), "internal", "unallowed host: c.example"],
  ])("%s", async (_, error, code, message) => {
    const asking = networkOf(() => Promise.reject(error)).decision();
    expect(await asking.answer(question())).toEqual({ kind: "replied" });
    expect(asking.replies.get("k")).toEqual({ kind: "failed", code, message });
  });

  test("its own timeout, which is shorter", async () => {
    const asking = networkOf(never).decision();
    expect(await asking.answer(question({ timeoutMs: 10 }))).toEqual({ kind: "replied" });
    expect(asking.replies.get("k")).toMatchObject({ code: "network", message: "a.example: request timed out" });
  });

  test("a name that is not listed", async () => {
    const asking = networkOf(never).decision();
    await asking.answer(lookup("a.example"));
    expect(asking.replies.get("a.example")).toMatchObject({ kind: "failed", message: "unallowed host: a.example" });
  });
});

test("the addresses of a name that is listed with any port are told", async () => {
  const asking = networkOf(never).decision();
  await asking.answer(lookup("b.example"));
  expect(asking.replies.get("b.example")).toEqual({ kind: "addresses", addresses: ["10.0.0.1"] });
});

test("a question is tried again as often as the policy says, after there was no answer", async () => {
  let tries = 0;
  const asking = networkOf(() => (++tries < 3 ? Promise.reject(new Error("reset")) : Promise.resolve(OK))).decision();
  await asking.answer(question({ retries: 2 }));
  expect([tries, asking.replies.get("k")]).toEqual([3, OK]);
});

test("an answer that is kept serves another decision, even while too many wait", async () => {
  const { decision } = networkOf(
    (ask, signal) => (ask.cache === undefined ? never(ask, signal) : Promise.resolve(OK)),
    {
      ...{ maxWaiting: 1, timeoutMs: 50 },
    },
  );
  const cached = question({ cache: { forSeconds: 60 } });
  await decision().answer(cached);
  const waiting = decision().answer(question());
  const asking = decision();
  expect(await asking.answer(cached)).toEqual({ kind: "replied" });
  expect(asking.asked()).toMatchObject([{ outcome: "kept" }]);
  await waiting;
});
