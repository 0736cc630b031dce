/**
 * AuthZEN over HTTP as the real process serves it (authzen-process.ts): who may ask about whom, what a caller can state and what not, batches
 * and searches. That the certification scenario holds shows `npm run conformance -- authzen`.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { hasOpa } from "../../harness/made-bundle.ts";
import { ask, type AuthzenProcess, CLIENT, OWN, startAuthzenProcess, STRANGER } from "./authzen-process.ts";
import { claims, token } from "./lone-decision.ts";

const described = (await hasOpa()) ? describe : describe.skip;

let authzen: AuthzenProcess;
beforeAll(async () => {
  if (await hasOpa()) authzen = await startAuthzenProcess();
});
afterAll(() => authzen?.[Symbol.asyncDispose]());
const post: AuthzenProcess["post"] = (...sent) => authzen.post(...sent);

described("AuthZEN over HTTP", () => {
  test("nobody asks without a credential, with a wrong one, or with two", async () => {
    expect(await post(OWN, { as: null })).toMatchObject({ status: 401 });
    const wrong = await post(OWN, { as: `${CLIENT}x` });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    expect(await post(OWN, { as: `${CLIENT}, Bearer ${CLIENT}` })).toMatchObject({ status: 401 });
    expect(await post(OWN)).toMatchObject({ status: 200, body: { decision: true } });
  });

  test("a client that is trusted for no subject gets no allow, and the reason says so", async () => {
    const answer = await post(OWN, { as: STRANGER });
    expect(answer.body).toMatchObject({ decision: false, context: { reason: "subject_not_trusted" } });
  });

  test("a client is trusted for the types of subject that are configured, and no other, whatever its name", async () => {
    for (const type of ["robot", "__proto__x", "constructor", "toString"]) {
      const answer = await post(ask("read", { subject: { type }, resource: { properties: { owner: "dana" } } }));
      expect(answer.body).toMatchObject({ decision: false, context: { reason: "subject_not_trusted" } });
    }
  });

  test("somebody with a token of their own asks about themselves only, and states nothing about themselves", async () => {
    const own = token();
    expect(await post(OWN, { as: own })).toMatchObject({ body: { decision: true } });
    const other = ask("read", { subject: { id: "max" }, resource: { properties: { owner: "max" } } });
    expect((await post(other, { as: own })).body).toMatchObject({ context: { reason: "subject_not_trusted" } });
    const robot = ask("read", { subject: { type: "robot" }, resource: { properties: { owner: "dana" } } });
    expect((await post(robot, { as: own })).body).toMatchObject({ context: { reason: "subject_not_trusted" } });
    const promoted = ask("read", { subject: { properties: { groups: ["admins"], claims: { level: "high" } } } });
    expect((await post(promoted, { as: own })).body).toMatchObject({ decision: false });
    expect((await post({ ...promoted, action: { name: "claim" } }, { as: own })).body).toMatchObject({
      decision: false,
    });
    const verified = token({ payload: claims({ level: "high" }) });
    expect((await post(ask("claim"), { as: verified })).body).toMatchObject({ decision: true });
  });

  test("a trusted client's properties are the account's claims, and groups of the wrong shape are refused", async () => {
    expect((await post(ask("read"))).body).toMatchObject({ decision: false, context: { reason: "no_rule_matched" } });
    expect((await post(ask("read", { subject: { properties: { groups: ["admins"] } } }))).body).toMatchObject({
      decision: true,
    });
    expect((await post(ask("read", { subject: { properties: { groups: "admins" } } }))).body).toMatchObject({
      decision: false,
      context: { reason: "credential_claims_invalid" },
    });
    const act = { act: { sub: "bot", extra: 1 } };
    expect((await post(ask("read", { subject: { properties: { groups: ["admins"], ...act } } }))).body).toMatchObject({
      decision: true,
    });
  });

  test("what is stated of the context never stands where the host's own stands", async () => {
    const forged = { state: { fresh: true }, source_address: "10.0.0.1", device: "managed" };
    expect((await post(ask("fresh", { context: forged }))).body).toMatchObject({ decision: false });
    expect((await post(ask("where", { context: forged }))).body).toMatchObject({ decision: false });
    expect((await post(ask("stated", { context: forged }))).body).toEqual({ decision: true });
  });

  test("a denial is 200 with its reason and its rules, and no more of a fault than its name", async () => {
    const { status, headers, body } = await post(ask("locked"));
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { decision: false, context: { reason: "policy_denied", rules: ["locked"] } },
    });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("countersign-decision-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("to enforce is for configured enforcers", async () => {
    const options = { options: { countersign_mode: "enforce" } };
    expect(await post({ ...OWN, ...options })).toMatchObject({ status: 403 });
    expect(await post({ ...OWN, ...options }, { as: token() })).toMatchObject({ status: 403 });
  });

  test("a request identifier that could split a header is not echoed", async () => {
    const echoed = await post(OWN, { headers: { "x-request-id": "abc-1" } });
    expect(echoed.headers.get("x-request-id")).toBe("abc-1");
    const long = await post(OWN, { headers: { "x-request-id": "x".repeat(200) } });
    expect(long.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

described("batches", () => {
  const no = { action: { name: "locked" } };
  const yes = { resource: OWN.resource };
  const batch = (evaluations: readonly object[], semantic?: string) =>
    post(
      {
        ...ask("read"),
        evaluations,
        ...(semantic === undefined ? {} : { options: { evaluations_semantic: semantic } }),
      },
      { at: "evaluations" },
    );
  const decisions = (answer: { readonly body: unknown }) => JSON.stringify(answer.body);

  test("stop where their semantics say, and not before", async () => {
    const shown = (...list: boolean[]) => JSON.stringify({ evaluations: list.map((one) => ({ decision: one })) });
    expect(decisions(await batch([yes, no, yes]))).toBe(shown(true, false, true));
    expect(decisions(await batch([yes, no, yes], "deny_on_first_deny"))).toBe(shown(true, false));
    expect(decisions(await batch([no, yes, no], "permit_on_first_permit"))).toBe(shown(false, true));
  });

  test("of another semantic, or longer than the limit, are refused whole", async () => {
    expect((await batch([yes], "execute_some")).status).toBe(400);
    expect((await batch([yes, yes, yes, yes])).status).toBe(200);
    expect((await batch([yes, yes, yes, yes, yes])).status).toBe(400);
  });

  test("decide each item as if it were alone: what is no item is denied by itself", async () => {
    const answer = await batch([yes, { subject: "dana" }, { resource: { type: "file" } }]);
    expect(answer).toMatchObject({
      status: 200,
      body: { evaluations: [{ decision: true }, { decision: false }, { decision: false }] },
    });
  });
});

type FoundPage = {
  readonly results: readonly { readonly id: string }[];
  readonly page: { readonly next_token: string };
};

function isFound(body: unknown): body is FoundPage {
  return typeof body === "object" && body !== null && "results" in body && "page" in body;
}

described("searches", () => {
  const find = (body: object, as = CLIENT) => post(body, { at: "search/resource", as });
  const FILES = { subject: { type: "user", id: "dana" }, action: { name: "read" }, resource: { type: "file" } };

  test("page through what is allowed, each once, and refuse a token of another search", async () => {
    const seen: unknown[] = [];
    let next: string | undefined;
    let first = "";
    do {
      const { body } = await find({ ...FILES, page: { limit: 2, ...(next === undefined ? {} : { token: next }) } });
      const found: unknown = body;
      if (!isFound(found)) throw new Error(`no page: ${JSON.stringify(body)}`);
      seen.push(...found.results.map(({ id }) => id));
      next = found.page.next_token;
      first ||= next;
    } while (next !== "");
    expect(seen).toEqual(["f1", "f2", "f3", "f4", "f5"]);
    const other = { ...FILES, subject: { type: "user", id: "max" } };
    expect(await find({ ...other, page: { token: first } })).toMatchObject({ status: 400 });
    expect(await find({ ...FILES, page: { token: "AAAA" } })).toMatchObject({ status: 400 });
  });

  test("find nothing for whom the caller may not speak", async () => {
    expect(await find(FILES, STRANGER)).toMatchObject({ status: 200, body: { results: [] } });
    const who = { subject: { type: "user" }, action: { name: "read" }, resource: OWN.resource };
    expect((await post(who, { at: "search/subject" })).body).toEqual({ results: [{ type: "user", id: "dana" }] });
    expect((await post(who, { at: "search/subject", as: token({ payload: claims({ sub: "max" }) }) })).body).toEqual({
      results: [],
    });
  });
});

described("tokens of clients", () => {
  test("are read again at SIGHUP: the old one stops, the new one counts", async () => {
    await authzen.replaceToken("another-token-of-the-gateway\n");
    await waitUntil("the new token to count", 30_000, async () => {
      return (await post(OWN, { as: "another-token-of-the-gateway" })).status === 200;
    });
    expect((await post(OWN)).status).toBe(401);
  });
});
