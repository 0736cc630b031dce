/** Searches page by page, in-process over HTTP (authzen-fixture.ts): each that is allowed once and in its order, whatever ends a page, and a token counts for one search under one bundle. */
import { describe, expect, test } from "@jest/globals";
import type { Entity, Question } from "../../../core/domain/question.ts";
import type { Sought } from "../../../services/decision/authzen/ports.ts";
import { type Authzen, startAuthzen } from "./authzen-fixture.ts";
import { allowing, denying, question } from "./authzen-samples.ts";
import { at } from "./reply-members.ts";

const ACTION: Sought = "action";
const TYPES: Readonly<Record<Sought, string>> = { subject: "user", action: "action", resource: "file" };
const nameOf = (n: number) => `n${String(n).padStart(5, "0")}`;
const named = (count: number) => Array.from({ length: count }, (_, n) => nameOf(n));

/** So many candidates of each kind, under the revision that is active. */
async function startSearch(count: number, leftMs?: () => number) {
  const active = { revision: "r1", count };
  const authzen = await startAuthzen({
    candidates: {
      offered: () => true,
      list: ({ sought }) => ({
        kind: "candidates",
        revision: active.revision,
        entities: named(active.count).map((id): Entity => ({ type: TYPES[sought], id, properties: {} })),
      }),
    },
    ...(leftMs === undefined ? {} : { budgetMs: leftMs }),
  });
  authzen.world.verdict = () => allowing;
  return { authzen, active };
}

const lookedAt = (sought: Sought, { subject, action, resource }: Question) =>
  sought === "subject" ? subject.id : sought === "resource" ? resource.id : action.name;

/** What dana's deletion of a file is, less what is sought. */
function bodyFor(sought: Sought, page?: object): object {
  const asked = { ...question(), ...(page === undefined ? {} : { page }) };
  if (sought === ACTION) return { ...asked, action: undefined };
  return { ...asked, [sought]: { type: TYPES[sought] } };
}

async function find(authzen: Authzen, sought: Sought, page?: object) {
  const reply = await authzen.post(bodyFor(sought, page), { at: `/access/v1/search/${sought}` });
  const results: unknown = at(reply, "results");
  return {
    reply,
    names: Array.isArray(results) ? results.map((one: unknown) => String(Object(one).id ?? Object(one).name)) : [],
    token: at(reply, "page.next_token"),
    count: at(reply, "page.count"),
  };
}

/** All pages, one after the other. */
async function walk(authzen: Authzen, sought: Sought, limit?: number) {
  const pages: (readonly string[])[] = [];
  for (let token: unknown = ""; pages.length === 0 || token !== ""; ) {
    const page = { token, ...(limit === undefined ? {} : { limit }) };
    const found = await find(authzen, sought, page);
    expect([found.reply.status, found.count]).toEqual([200, found.names.length]);
    pages.push(found.names);
    token = found.token;
    if (pages.length > 50) throw new Error("the pages have no end");
  }
  return pages;
}

describe.each<Sought>(["subject", "action", "resource"])("a search for a %s", (sought) => {
  test("finds over its pages each that is allowed, once and in order, and looks at each once", async () => {
    const { authzen } = await startSearch(7);
    await using _ended = authzen;
    const isDenied = (name: string) => [nameOf(1), nameOf(6)].includes(name);
    const seen: string[] = [];
    authzen.world.verdict = (asked) => {
      const name = lookedAt(sought, asked);
      seen.push(name);
      return isDenied(name) ? denying : allowing;
    };
    const pages = await walk(authzen, sought, 2);
    // The last one that is looked at is denied: a page that was full before it could not know.
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(named(7).filter((name) => !isDenied(name)));
    expect(seen).toEqual(named(7));
  });

  test("takes no token of another search, of another question, or of a bundle that was active before", async () => {
    const { authzen, active } = await startSearch(5);
    await using _ended = authzen;
    const { token } = await find(authzen, sought, { limit: 2 });
    for (const other of ["subject", "action", "resource"] as const) {
      const { reply } = await find(authzen, other, { token });
      expect([other, reply.status]).toEqual([other, other === sought ? 200 : 400]);
    }
    const elsewhere = { ...bodyFor(sought, { token }), context: { device: "managed" } };
    expect(await authzen.post(elsewhere, { at: `/access/v1/search/${sought}` })).toMatchObject({ status: 400 });
    active.revision = "r2";
    const { reply } = await find(authzen, sought, { token });
    expect(reply).toMatchObject({ status: 400, body: expect.stringContaining("no longer active") });
    expect((await walk(authzen, sought, 2)).flat()).toEqual(named(5));
    active.revision = "r1";
    expect((await find(authzen, sought, { token })).names).toEqual(named(5).slice(2));
  });
});

describe("a page", () => {
  test("of no limit and of limit 0 has 100 results, of more than 1,000 has 1,000, and one below 0 is refused", async () => {
    const { authzen } = await startSearch(1_150);
    await using _ended = authzen;
    for (const page of [undefined, {}, { limit: 0 }])
      expect((await find(authzen, "resource", page)).names).toHaveLength(100);
    for (const limit of [1_000, 1_001, 1_000_000])
      expect((await find(authzen, "resource", { limit })).names).toHaveLength(1_000);
    expect((await find(authzen, "resource", { limit: 999 })).names).toHaveLength(999);
    for (const limit of [-1, 1.5, "10"]) expect((await find(authzen, "resource", { limit })).reply.status).toBe(400);
    expect((await walk(authzen, "resource", 5_000)).map((page) => page.length)).toEqual([1_000, 150]);
  });

  test("looks at 2,000 candidates and no more: it may be empty, and the next one begins behind them", async () => {
    const { authzen } = await startSearch(4_001);
    await using _ended = authzen;
    let looked = 0;
    authzen.world.verdict = ({ resource }) => {
      looked += 1;
      return resource.id === nameOf(4_000) ? allowing : denying;
    };
    const first = await find(authzen, "resource");
    expect([first.names, looked, first.count]).toEqual([[], 2_000, 0]);
    expect(first.token).toEqual(expect.stringMatching(/./));
    looked = 0;
    expect(await walk(authzen, "resource")).toEqual([[], [], [nameOf(4_000)]]);
    expect(looked).toBe(4_001);
  });

  test("whose time runs out ends with what it has, and the next one goes on at the first that was not looked at", async () => {
    let left = 450;
    const { authzen } = await startSearch(6, () => left);
    await using _ended = authzen;
    const seen: string[] = [];
    authzen.world.verdict = ({ resource }) => {
      seen.push(resource.id);
      if (seen.length === 3) left = 10;
      return allowing;
    };
    const first = await find(authzen, "resource", { limit: 5 });
    expect([first.reply.status, first.names, seen]).toEqual([200, named(3), named(3)]);
    const late = await find(authzen, "resource", { token: first.token });
    expect(late.reply).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(late.reply.body).toContain("deadline_exceeded");
    expect(seen).toEqual(named(3));
    left = 450;
    const next = await find(authzen, "resource", { token: first.token });
    expect([next.names, next.token, seen]).toEqual([named(6).slice(3), "", named(6)]);
  });
});

test("a search for a subject whose stated properties cannot be its claims is refused, and no empty list", async () => {
  const { authzen } = await startSearch(3);
  await using _ended = authzen;
  for (const sought of ["resource", "action"] as const) {
    const stated = { type: "user", id: "dana", properties: { groups: "engineers" } };
    const reply = await authzen.post({ ...bodyFor(sought), subject: stated }, { at: `/access/v1/search/${sought}` });
    expect([reply.status, reply.body]).toEqual([400, "the subject cannot be used: credential_claims_invalid"]);
  }
  expect(authzen.world.asked).toEqual([]);
});

test("a subject of the policy's list whose properties cannot be its claims ends the page before it, and begins the next one with an error", async () => {
  const odd: Entity = { type: "user", id: "odd", properties: { groups: "engineers" } };
  await using authzen = await startAuthzen({
    candidates: {
      offered: () => true,
      list: () => ({ kind: "candidates", revision: "r1", entities: [{ ...odd, id: "max", properties: {} }, odd] }),
    },
  });
  authzen.world.verdict = () => allowing;
  const { names, token } = await find(authzen, "subject");
  expect(names).toEqual(["max"]);
  expect((await find(authzen, "subject", { token })).reply.status).toBe(500);
});
