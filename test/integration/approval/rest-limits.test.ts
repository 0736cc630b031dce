/** The rate of one account: beyond it 429 with the time to wait, before anything is done; nobody else feels it. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Answer, at } from "./rest-answer.ts";
import { createRestApproval, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval({
    limits: { reads: { burst: 5, perMinute: 1 }, writes: { burst: 2, perMinute: 6 } },
    patience: { maxWaiting: 2, maxWaitMs: 60_000 },
  });
});
afterAll(() => rest.close());

const said = (answer: Answer) => [answer.status, at(answer, "code")];
const read = (token: string) => rest.call("GET", "/v1/requests", { token });
const write = (token: string, key?: string) =>
  rest.call("POST", "/v1/grants/01930000-0000-7000-8000-0000000000ff/revoke", {
    token,
    body: {},
    ...(key === undefined ? {} : { headers: { "idempotency-key": key } }),
  });

test("reads and writes of an account are counted apart, and the answer says when to come back", async () => {
  const dana = tokenOf("dana");
  expect((await Promise.all([write(dana), write(dana)])).map(({ status }) => status)).toEqual([404, 404]);
  const limited = await write(dana);
  expect(said(limited)).toEqual([429, "too_many_requests"]);
  expect(Number(limited.headers["retry-after"])).toBeGreaterThanOrEqual(1);
  expect(Number(limited.headers["retry-after"])).toBeLessThanOrEqual(10);
  for (let n = 0; n < 5; n += 1) expect((await read(dana)).status).toBe(200);
  expect(said(await read(dana))).toEqual([429, "too_many_requests"]);
  expect((await read(tokenOf("max"))).status).toBe(200);
  const { text } = await rest.deps.metrics.expose();
  expect(text).toContain('rest_limited_total{kind="reads"} 1');
  expect(text).toContain('rest_limited_total{kind="writes"} 1');
});

test("a call beyond the rate holds no idempotency key, and one without a good token takes nothing from anybody", async () => {
  const mia = tokenOf("mia");
  for (let n = 0; n < 10; n += 1) {
    expect((await rest.call("GET", "/v1/requests", { token: `${mia}x` })).status).toBe(401);
  }
  await write(mia);
  await write(mia);
  expect(said(await write(mia, "one"))).toEqual([429, "too_many_requests"]);
  const { rows } = await rest.database.query("select 1 from idempotency_keys where key = 'one'");
  expect(rows).toEqual([]);
});

/** While it is held, no list of denials ends. */
async function holdDenials() {
  const [locked, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locking = rest.database.transaction("hold", async (tx) => {
    await tx.query("lock table denials in access exclusive mode");
    locked.resolve();
    await held.promise;
  });
  await Promise.race([locked.promise, locking]);
  return async () => {
    held.resolve();
    await locking;
  };
}

test("one list of an account is under way at a time: some wait for it, more are told to come back, and other accounts do not wait", async () => {
  const release = await holdDenials();
  const list = () => rest.call("GET", "/v1/denials", { token: tokenOf("gus") });
  const lists = [list(), list(), list(), list()];
  const refused = await Promise.race(lists);
  expect(said(refused)).toEqual([429, "too_many_requests"]);
  expect(refused.headers["retry-after"]).toBe("1");
  expect((await rest.call("GET", "/v1/grants", { token: tokenOf("gil") })).status).toBe(200);
  await release();
  expect((await Promise.all(lists)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200, 200, 200, 429,
  ]);
});

test("who leaves before the answer gives the turn back when it was made", async () => {
  const release = await holdDenials();
  const token = tokenOf("gwen");
  const leaving = new AbortController();
  const left = fetch(`${rest.origin}/v1/denials`, {
    headers: { authorization: `Bearer ${token}` },
    signal: leaving.signal,
  });
  const stays = rest.call("GET", "/v1/grants", { token });
  leaving.abort();
  await expect(left).rejects.toThrow();
  await release();
  expect((await stays).status).toBe(200);
  expect((await rest.call("GET", "/v1/denials", { token })).status).toBe(200);
});
