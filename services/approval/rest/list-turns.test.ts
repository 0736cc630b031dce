import { afterEach, beforeEach, expect, test } from "@jest/globals";
import fastify, { type FastifyInstance } from "fastify";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import type { Caller } from "./caller.ts";
import { createTakeTurn, endTurn } from "./list-turns.ts";

type Handled = { readonly end: () => void; readonly fail: () => void; readonly isGone: () => boolean };

let app: FastifyInstance;
let origin: string;
/** Lists whose handler has begun, in order. */
let handled: Handled[];
let limited: number;

beforeEach(async () => {
  [handled, limited] = [[], 0];
  app = fastify();
  app.decorateRequest("caller", null);
  app.decorateRequest("listTurn", null);
  app.addHook("onRequest", async (request) => {
    const subject = { issuer: "i", id: String(request.headers["x-account"]), groups: [], claims: {}, actors: [] };
    const party = { subject, person: undefined, actorPersons: [], machine: false };
    request.setDecorator<Caller>("caller", { party, isSecurity: false });
  });
  const onLimited = () => {
    limited += 1;
  };
  app.addHook("preHandler", createTakeTurn({ onLimited }, { maxWaiting: 1, maxWaitMs: 60_000 }));
  app.addHook("onSend", endTurn);
  app.get("/list", { config: { isList: true } }, async ({ raw }) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    handled.push({ end: resolve, fail: () => reject(new Error("no list")), isGone: () => raw.socket.destroyed });
    await promise;
    return {};
  });
  app.get("/one", async () => ({}));
  origin = await app.listen({ host: "127.0.0.1", port: 0 });
});
afterEach(() => app.close());

const get = (path: string, account: string, signal?: AbortSignal) =>
  fetch(`${origin}${path}`, {
    headers: { "x-account": account },
    ...(signal === undefined ? {} : { signal }),
  });
const begun = (count: number) => waitUntil(`${count} lists have begun`, 30_000, () => handled.length === count);

test("a second list waits for the first, a third is told to come back, and neither others nor what is no list waits", async () => {
  const first = get("/list", "dana");
  await begun(1);
  const rest = [get("/list", "dana"), get("/list", "dana")];
  const refused = await Promise.race(rest);
  expect([refused.status, refused.headers.get("retry-after"), limited]).toEqual([429, "1", 1]);
  expect(await refused.json()).toMatchObject({ code: "too_many_requests" });
  expect((await get("/one", "dana")).status).toBe(200);
  const other = get("/list", "max");
  await begun(2);
  handled[1]?.end();
  expect((await other).status).toBe(200);
  handled[0]?.end();
  expect((await first).status).toBe(200);
  await begun(3);
  handled[2]?.end();
  expect((await Promise.all(rest)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 429]);
});

test("who leaves keeps the turn until the page was made, and not longer", async () => {
  const leaving = new AbortController();
  const left = get("/list", "dana", leaving.signal);
  await begun(1);
  const second = get("/list", "dana");
  leaving.abort();
  await expect(left).rejects.toThrow();
  await waitUntil("its connection is gone", 30_000, () => handled[0]?.isGone());
  expect((await get("/one", "dana")).status).toBe(200);
  expect(handled.length).toBe(1);
  handled[0]?.end();
  await begun(2);
  handled[1]?.end();
  expect((await second).status).toBe(200);
});

test("a list that fails ends its turn", async () => {
  const first = get("/list", "dana");
  await begun(1);
  handled[0]?.fail();
  expect((await first).status).toBe(500);
  const second = get("/list", "dana");
  await begun(2);
  handled[1]?.end();
  expect((await second).status).toBe(200);
});
