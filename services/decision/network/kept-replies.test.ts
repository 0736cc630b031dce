import { describe, expect, test } from "@jest/globals";
import type { HttpAsk, HttpReply } from "../../../core/policy/asks.ts";
import { createKeptReplies } from "./kept-replies.ts";

const NOW = Date.parse("2026-11-28T05:00:00Z");
const DATE = "Sat, 28 Nov 2026 05:00:00 GMT";
const LATER = "Sat, 28 Nov 2026 05:00:10 GMT";
const asking = (cache: HttpAsk["cache"]): HttpAsk => ({
  ...{ kind: "http", method: "GET", url: "http://a.example/", headers: [], body: undefined, followsRedirects: false },
  ...{ timeoutMs: undefined, retries: 0, tls: undefined, cache },
});
const reply = (headers: Readonly<Record<string, string>>, body = "x", statusCode = 200): HttpReply => ({
  ...{ kind: "http", status: `${statusCode} `, statusCode, body },
  headers: Object.entries(headers).map(([name, value]) => [name, [value]]),
});
const twoLines = (...lines: readonly string[]): HttpReply => ({
  ...reply({}),
  headers: [
    ["cache-control", lines],
    ["date", [DATE]],
  ],
});
const BY_HEADERS = asking({ forSeconds: undefined });
const FOR_A_MINUTE = asking({ forSeconds: 60 });

describe("an answer is not kept", () => {
  test.each<[string, HttpAsk, HttpReply]>([
    ["where the policy does not say so", asking(undefined), reply({ "cache-control": "max-age=60", date: DATE })],
    ["without a word about it", BY_HEADERS, reply({ date: DATE })],
    ["that says no-store", BY_HEADERS, reply({ "cache-control": "no-store, max-age=60", date: DATE })],
    ["that says no-cache", BY_HEADERS, reply({ "cache-control": "no-cache, max-age=60", date: DATE })],
    ["that says no-store in a second line", BY_HEADERS, twoLines("max-age=60", "no-store")],
    ["without the date that its age is counted from", BY_HEADERS, reply({ "cache-control": "max-age=60" })],
    ["that is over already", BY_HEADERS, reply({ expires: "0" })],
    ["of a status that is not for keeping", FOR_A_MINUTE, reply({}, "x", 500)],
    ["larger than all that may be kept", FOR_A_MINUTE, reply({}, "x".repeat(10_000))],
  ])("%s", (_, ask, given) => {
    const kept = createKeptReplies({ maxBytes: 10_000 });
    kept.keep("a", ask, given, NOW);
    expect(kept.find("a", NOW)).toBeUndefined();
  });
});

test.each<[string, HttpAsk, HttpReply, number]>([
  ["for the age that it allows", BY_HEADERS, reply({ "cache-control": "private, max-age=10", date: DATE }), 10_000],
  ["until it expires", BY_HEADERS, reply({ expires: LATER, date: DATE }), 10_000],
  [
    "for as long as the policy says, whatever it says itself",
    FOR_A_MINUTE,
    reply({ "cache-control": "no-store" }),
    60_000,
  ],
])("an answer is kept %s, for the same question only", (_, ask, given, forMs) => {
  const kept = createKeptReplies({ maxBytes: 10_000 });
  kept.keep("a", ask, given, NOW);
  expect(kept.find("b", NOW)).toBeUndefined();
  expect(kept.find("a", NOW + forMs - 1)).toBe(given);
  expect(kept.find("a", NOW + forMs)).toBeUndefined();
});

test("who has not been used for longest goes first", () => {
  const kept = createKeptReplies({ maxBytes: 10_000 });
  const keep = (key: string) => kept.keep(key, FOR_A_MINUTE, reply({}, "x".repeat(1_800)), NOW);
  keep("a");
  keep("b");
  kept.find("a", NOW);
  keep("c");
  expect(["a", "b", "c"].map((key) => kept.find(key, NOW) !== undefined)).toEqual([true, false, true]);
});
