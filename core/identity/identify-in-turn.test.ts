/** Tokens that have to be verified beside tokens that are known, by real signatures of the slowest kind. */
import { generateKeyPairSync } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import type { Caller } from "../domain/subject.ts";
import { type Instant, instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import type { KeySet } from "./key-set.ts";
import * as sample from "../../test/samples/tokens.ts";
import { claims, keys, NOW, token } from "../../test/samples/tokens.ts";
import { createSignatureTurns } from "./signature-turns.ts";

const keySet: KeySet = sample.keySetOf(sample.jwksOf({ p521: keys.p521 }));
const forger = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey;
const good = (jti: string) => token(claims({ jti }), {}, "ES512");
const forged = (jti: string) => token(claims({ jti }), {}, "ES512", forger);
const inTime = { now: () => NOW, isLate: () => false };

/** `perTurnMs`: less than any signature takes, so one of them is all that a turn has. */
function setUp(maxWaiting = 100) {
  const turns = createSignatureTurns({ monotonicMs: () => performance.now() }, { maxWaiting, perTurnMs: 0.001 });
  let asked = 0;
  const keySets = {
    current: () => keySet,
    requestRefresh: () => {},
  };
  const counting: typeof turns = {
    ...turns,
    timed: (verify) =>
      turns.timed((...about) => {
        asked += 1;
        return verify(...about);
      }),
  };
  const identify = createIdentify({ issuers: sample.issuersOf({}), keySets, turns: counting });
  const inTurn = (text: string, at = inTime) => identify.identifyInTurn({ authorization: [`Bearer ${text}`] }, at);
  const later = async (...asking: Parameters<typeof inTurn>) => inTurn(...asking);
  return { identify, inTurn, later, verified: () => asked };
}

const reasonOf = (caller: Caller | { readonly kind: "refused"; readonly reason: string }) =>
  caller.kind === "refused" ? caller.reason : caller.kind;

test("while forged tokens wait for their turn, one that is known, and what is no token, wait for nothing", async () => {
  const { identify, inTurn } = setUp();
  const known = good("known");
  expect(await inTurn(known)).toMatchObject({ kind: "subject" });
  const waiting = ["a", "b", "c"].map((jti) => inTurn(forged(jti)));
  for (const one of waiting) expect(one).toBeInstanceOf(Promise);
  expect(inTurn(known)).toMatchObject({ kind: "subject", subject: { id: "dana" } });
  expect(identify.identifyInTurn({ authorization: [] }, inTime)).toEqual({ kind: "anonymous" });
  expect(inTurn("no token")).toMatchObject({ reason: "credential_malformed" });
  const outcomes = await Promise.all(waiting.map(async (one) => reasonOf(await one)));
  expect(outcomes).toEqual(Array.from({ length: 3 }, () => "credential_signature_invalid"));
});

test("a turn of the event loop verifies one signature beyond its time at most", async () => {
  const { later, verified } = setUp();
  const waiting = Array.from({ length: 8 }, (_, at) => later(forged(String(at))));
  for (let turns = 0; turns < 3; turns += 1) {
    expect(verified()).toBe(turns);
    await turn();
  }
  await Promise.all(waiting);
  expect(verified()).toBe(8);
});

test("a token that several wait with is verified once", async () => {
  const { later, verified } = setUp();
  void later(forged("first"));
  const token = good("same");
  const callers = await Promise.all([later(token), later(token), later(token)]);
  expect(callers.map(reasonOf)).toEqual(["subject", "subject", "subject"]);
  expect(verified()).toBe(2);
});

test("whose time is over when its turn comes is not verified any more, and beyond the bound nobody waits", async () => {
  const { inTurn, verified } = setUp(2);
  const first = inTurn(forged("first"));
  const late = inTurn(good("late"), { now: () => NOW, isLate: () => true });
  expect(inTurn(good("one too many"))).toEqual({ kind: "refused", reason: "overloaded" });
  expect(await first).toMatchObject({ reason: "credential_signature_invalid" });
  expect(await late).toEqual({ kind: "refused", reason: "deadline_exceeded" });
  expect(verified()).toBe(1);
});

test("a token that expires while it waits is refused", async () => {
  const { inTurn } = setUp();
  let now: Instant = NOW;
  void inTurn(forged("first"));
  const expiring = inTurn(good("expiring"), { now: () => now, isLate: () => false });
  now = instant(NOW + 3_600_000);
  expect(await expiring).toMatchObject({ kind: "refused", reason: "credential_expired" });
});
