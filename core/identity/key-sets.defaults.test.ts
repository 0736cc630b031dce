/** The times that key sets are shipped with, by a clock of the test, against a real HTTP server: nothing is shortened here. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { both, json, type KeyServer, startKeyServer, until } from "../../test/harness/key-server.ts";
import { instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import { createKeySets } from "./key-sets.ts";
import * as sample from "../../test/samples/tokens.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const one = sample.jwksOf({ ed25519: sample.keys.ed25519 });

let server: KeyServer;
beforeEach(async () => {
  server = await startKeyServer();
});
afterEach(() => server[Symbol.asyncDispose]());

/** Key sets with nothing configured but where the keys are, and the clock that they go by. */
async function shipped() {
  let nowMs = 1_800_000_000_000;
  /** What somebody has set the clock on the wall by. */
  let wallShiftMs = 0;
  const wallMs = () => nowMs + wallShiftMs;
  const sleepers = new Set<{ readonly dueMs: number; readonly wake: () => void }>();
  const issuers = sample.issuersOf({ jwks_uri: server.url });
  const keySets = await createKeySets({
    issuers,
    clock: { wallMs, monotonicMs: () => nowMs },
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const end = (then: () => void) => () => {
          sleepers.delete(sleeper);
          then();
        };
        const sleeper = { dueMs: nowMs + ms, wake: end(resolve) };
        sleepers.add(sleeper);
        signal.addEventListener("abort", end(reject), { once: true });
      }),
    onEvent: () => {},
  });
  const asleep = () => until("the loop to have nothing to do", () => sleepers.size === 1);
  await asleep();
  return {
    keySets,
    now: () => instant(wallMs()),
    kids: () => keySets.current(sample.ISSUER, instant(wallMs()))?.keys.map((key) => key.kid),
    ageMs: () => keySets.status(instant(wallMs())).map(({ ageMs }) => ageMs),
    setClock: (shiftMs: number) => (wallShiftMs = shiftMs),
    identify: createIdentify({ issuers, keySets }).identify,
    /** Time passes, and whatever is due by then has been done. */
    async pass(ms: number) {
      await asleep();
      nowMs += ms;
      for (const sleeper of sleepers) if (sleeper.dueMs <= nowMs) sleeper.wake();
      await asleep();
    },
  };
}

/** A token of this moment, by the key that goes with the algorithm. */
function tokenAt(nowMs: number, algorithm: "EdDSA" | "ES256", header: Readonly<Record<string, unknown>> = {}): string {
  const seconds = Math.floor(nowMs / SECOND);
  return sample.token(sample.claims({ iat: seconds, exp: seconds + 60 }), header, algorithm);
}

test("a key that is removed right after it was confirmed stops within five minutes", async () => {
  server.answerBy(json(both));
  const { keySets, kids, identify, now, pass } = await shipped();
  await using _ended = keySets;
  const use = () => identify({ authorization: [`Bearer ${tokenAt(now(), "ES256")}`] }, now());
  expect(use()).toMatchObject({ kind: "subject" });
  server.answerBy(json(one));
  let passed = 0;
  for (; kids()?.length === 2 && passed < HOUR; passed += SECOND) await pass(SECOND);
  expect(passed).toBeLessThanOrEqual(5 * MINUTE);
  // By itself and not because of what was asked: no call of the test names an unknown key.
  expect(server.hits).toHaveLength(2);
  expect(use()).toMatchObject({ kind: "refused", reason: "credential_key_unknown" });
});

test("tokens with unknown key ids, several a second for ten minutes, are one look in 30 seconds; a new key counts from the next one on", async () => {
  server.answerBy(json(one));
  const { keySets, identify, now, pass } = await shipped();
  await using _ended = keySets;
  const looks: number[] = [];
  let known = server.hits.length;
  for (let second = 0; second < 600; second += 1) {
    for (let nth = 0; nth < 3; nth += 1) {
      const token = tokenAt(now(), "EdDSA", { kid: `unknown-${second}-${nth}` });
      expect(identify({ authorization: [`Bearer ${token}`] }, now())).toMatchObject({
        reason: "credential_key_unknown",
      });
    }
    await pass(SECOND);
    if (server.hits.length > known) looks.push(second);
    known = server.hits.length;
  }
  const gaps = looks.slice(1).map((second, at) => second - (looks[at] ?? 0));
  expect(looks.length).toBeGreaterThanOrEqual(19);
  expect(looks.length).toBeLessThanOrEqual(20);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30);
  expect(server.hits).toHaveLength(looks.length + 1);

  server.answerBy(json(both));
  const fresh = () => identify({ authorization: [`Bearer ${tokenAt(now(), "ES256")}`] }, now());
  expect(fresh()).toMatchObject({ reason: "credential_key_unknown" });
  await pass(30 * SECOND);
  expect(fresh()).toMatchObject({ kind: "subject" });
});

test("keys of a provider that is away count for 24 hours and not a second longer, and it is asked every 30 seconds at most", async () => {
  server.answerBy(json(both));
  const { keySets, kids, identify, now, pass } = await shipped();
  await using _ended = keySets;
  server.answerBy((_request, response) => void response.writeHead(503).end());
  const use = () => identify({ authorization: [`Bearer ${tokenAt(now(), "EdDSA")}`] }, now());
  // An unknown key id on the way does not make it be asked more often.
  keySets.requestRefresh(sample.ISSUER);
  await pass(4 * MINUTE);
  const before = server.hits.length;
  for (let second = 0; second < 10 * MINUTE; second += SECOND) await pass(SECOND);
  expect(server.hits.length - before).toBeLessThanOrEqual(10 * 2 + 5);
  for (let hour = 0; hour < 23; hour += 1) await pass(HOUR);
  await pass(46 * MINUTE);
  expect(use()).toMatchObject({ kind: "subject" });
  expect(kids()).toHaveLength(2);
  await pass(SECOND);
  expect(kids()).toBeUndefined();
  expect(use()).toMatchObject({ kind: "refused", reason: "keys_unavailable" });
  server.answerBy(json(both));
  await pass(30 * SECOND);
  expect(use()).toMatchObject({ kind: "subject" });
});

const away = (_request: unknown, response: { writeHead(code: number): { end(): unknown } }) =>
  void response.writeHead(503).end();

test("a provider that is away is asked again after a second, then after twice as long each time up to 30 seconds", async () => {
  server.answerBy(away);
  const { keySets, pass } = await shipped();
  await using _ended = keySets;
  const asked: number[] = [];
  let known = server.hits.length;
  for (let second = 1; second <= 91; second += 1) {
    await pass(SECOND);
    if (server.hits.length > known) asked.push(second);
    known = server.hits.length;
  }
  expect(asked).toEqual([1, 3, 7, 15, 31, 61, 91]);
});

test("a clock that is set back an hour gives the keys of a provider that is away no 25th hour", async () => {
  server.answerBy(json(both));
  const { keySets, kids, ageMs, setClock, pass } = await shipped();
  await using _ended = keySets;
  server.answerBy(away);
  await pass(4 * MINUTE);
  setClock(-HOUR);
  expect(ageMs()).toEqual([4 * MINUTE]);
  for (let hour = 0; hour < 23; hour += 1) await pass(HOUR);
  await pass(56 * MINUTE);
  expect([kids()?.length, ageMs()]).toEqual([2, [24 * HOUR]]);
  await pass(SECOND);
  expect(kids()).toBeUndefined();
});

test("a clock that is a year ahead ends them, and they count again for what is left when it is set back", async () => {
  server.answerBy(json(both));
  const { keySets, kids, setClock, pass } = await shipped();
  await using _ended = keySets;
  server.answerBy(away);
  await pass(4 * MINUTE);
  setClock(365 * 24 * HOUR);
  expect(kids()).toBeUndefined();
  setClock(0);
  expect(kids()).toHaveLength(2);
  for (let hour = 0; hour < 24; hour += 1) await pass(HOUR);
  expect(kids()).toBeUndefined();
});

test("keys that are confirmed while the clock is a year ahead are not kept for a year once it is set back", async () => {
  server.answerBy(json(both));
  const { keySets, kids, setClock, pass } = await shipped();
  await using _ended = keySets;
  setClock(365 * 24 * HOUR);
  await pass(4 * MINUTE);
  server.answerBy(away);
  setClock(0);
  expect(kids()).toHaveLength(2);
  await pass(4 * MINUTE);
  for (let hour = 0; hour < 24; hour += 1) await pass(HOUR);
  expect(kids()).toBeUndefined();
});

test("after a machine has slept for two days, the first token has the provider asked within 30 seconds, and not at the next regular look", async () => {
  server.answerBy(json(both));
  const { keySets, identify, now, setClock, pass } = await shipped();
  await using _ended = keySets;
  const use = () => identify({ authorization: [`Bearer ${tokenAt(now(), "EdDSA")}`] }, now());
  await pass(SECOND);
  setClock(48 * HOUR);
  expect(use()).toMatchObject({ kind: "refused", reason: "keys_unavailable" });
  await pass(30 * SECOND);
  expect(use()).toMatchObject({ kind: "subject" });
});
