/** AuthZEN over HTTP for enforcers: what only they may do, by token and by certificate, and what they are told of a denial that can be submitted. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { deny } from "../../../core/domain/decision.ts";
import { rfc3339 } from "../../../core/domain/time.ts";
import { type Authority, createAuthority } from "../../harness/certificates.ts";
import { type Authzen, REQUEST_URL, startAuthzen } from "./authzen-fixture.ts";
import {
  allowing,
  ASKER,
  denying,
  ELEVATION,
  elevating,
  ENFORCED,
  ENFORCER,
  ownToken,
  question,
} from "./authzen-samples.ts";

describe("enforcing", () => {
  let authzen: Authzen;
  beforeAll(async () => {
    authzen = await startAuthzen();
  });
  beforeEach(() => {
    authzen.world.verdict = () => elevating();
    authzen.world.instead = undefined;
  });
  afterAll(() => authzen[Symbol.asyncDispose]());

  test("is refused to who is no enforcer: nothing is evaluated, published or redeemed", async () => {
    const asked = authzen.world.asked.length;
    for (const as of [ASKER, ownToken()]) {
      expect(await authzen.post(question(ENFORCED), { as })).toMatchObject({ status: 403 });
    }
    expect(authzen.world.asked.length).toBe(asked);
    expect(authzen.published()).toEqual([]);
  });

  test("names no denial where nothing was enforced, and publishes none", async () => {
    for (const as of [ENFORCER, ASKER, ownToken()]) {
      const { body } = await authzen.post(question(), { as });
      expect(body).toMatchObject({ decision: false, context: { reason: "approval_required" } });
      expect(body).not.toHaveProperty("context.denial");
    }
    expect(authzen.published()).toEqual([]);
  });

  test("tells the enforcer which denial can be submitted, where, until when and what it offers", async () => {
    const { status, body } = await authzen.post(question(ENFORCED));
    const denial = authzen.published().at(-1);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        decision: false,
        context: {
          reason: "approval_required",
          evaluation_id: denial?.id,
          denial: {
            id: denial?.id,
            expires_at: denial && rfc3339(denial.expiresAt),
            request_url: REQUEST_URL,
            elevations: [{ entitlement: ELEVATION.entitlement, scope: ELEVATION.scope }],
          },
        },
      },
    });
    expect(authzen.logged.at(-1)).toMatchObject({ mode: "enforce", decision: { denial: { id: denial?.id } } });
  });

  test("is answered with a plain denial where the policy denies, also for what could be asked for elsewhere", async () => {
    authzen.world.verdict = () => denying;
    const before = authzen.published().length;
    expect((await authzen.post(question(ENFORCED))).body).toMatchObject({ context: { reason: "policy_denied" } });
    expect(authzen.published().length).toBe(before);
  });

  test("is told neither an allow nor what can be asked for where that had to be on record and is not", async () => {
    authzen.world.instead = { subject: undefined, policyRevision: "r1", decision: deny("audit_unavailable") };
    for (const verdict of [allowing, elevating()]) {
      authzen.world.verdict = () => verdict;
      const { body } = await authzen.post(question(ENFORCED));
      expect(body).toMatchObject({ decision: false, context: { reason: "audit_unavailable" } });
      expect(body).not.toHaveProperty("context.denial");
    }
  });

  test("says when to come back to a subject that was denied too often, and names no denial", async () => {
    await using strict = await startAuthzen({ burst: 1 });
    strict.world.verdict = ({ resource }) => elevating({ scope: resource.id });
    const of = (name: string) => question({ ...ENFORCED, resource: { type: "file", id: name } });
    expect((await strict.post(of("a"))).body).toHaveProperty("context.denial");
    const { body } = await strict.post(of("b"));
    expect(body).toMatchObject({ decision: false, context: { reason: "too_many_denials", retry_after: 60 } });
    expect(body).not.toHaveProperty("context.denial");
  });

  test("uses a grant of limited use, and an ask does not", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const grant = own.give();
    expect((await own.post(question())).body).toMatchObject({
      decision: false,
      context: { grant_reason: "use_by_enforce" },
    });
    expect((await own.post(question(ENFORCED))).body).toMatchObject({ decision: true });
    expect(own.logged.at(-1)).toMatchObject({
      decision: { by: { kind: "grant", grant: { id: grant.id } } },
      evaluation: { client: "enforcer" },
    });
    own.world.redemption = { kind: "refused", reason: "spent" };
    expect((await own.post(question(ENFORCED))).body).toMatchObject({
      decision: false,
      context: { reason: "approval_required", grant_reason: "spent" },
    });
    own.world.redemption = { kind: "unknown" };
    expect((await own.post(question(ENFORCED))).body).toMatchObject({ context: { reason: "redemption_unknown" } });
  });

  test("is for one evaluation, also by the endpoint for many, and never for a batch", async () => {
    const at = "/access/v1/evaluations";
    const many = question({ ...ENFORCED, evaluations: [{ resource: { type: "file", id: "f2" } }] });
    expect(await authzen.post(many, { at })).toMatchObject({ status: 400 });
    expect((await authzen.post(question(ENFORCED), { at })).body).toHaveProperty("context.denial.id");
  });
});

describe("what somebody says about themself", () => {
  test("is never where a policy looks for what is known of them, in any mode or search, and a trusted client's word is", async () => {
    await using authzen = await startAuthzen({
      candidates: {
        offered: () => true,
        list: ({ question: asked }) => {
          given.push(asked.subject.properties);
          return { kind: "candidates", revision: "r1", entities: [{ type: "file", id: "f1", properties: {} }] };
        },
      },
    });
    const given: unknown[] = [];
    authzen.world.verdict = ({ subject }) => (subject.properties["role"] === "admin" ? allowing : denying);
    const admin = { subject: { type: "user", id: "dana", properties: { role: "admin", stated: { role: "admin" } } } };
    const as = ownToken();
    expect((await authzen.post(question(admin), { as })).body).toMatchObject({ decision: false });
    expect(authzen.world.asked.at(-1)?.subject.properties).toEqual({
      stated: { role: "admin", stated: { role: "admin" } },
    });
    const batch = question({ ...admin, evaluations: [{}] });
    const batched = await authzen.post(batch, { as, at: "/access/v1/evaluations" });
    expect(batched.body).toEqual({ evaluations: [{ decision: false }] });
    const search = { ...question(admin), resource: { type: "file" } };
    const found = await authzen.post(search, { as, at: "/access/v1/search/resource" });
    expect(found.body).toEqual({ results: [] });
    expect(given).toEqual([{ stated: { role: "admin", stated: { role: "admin" } } }]);
    expect((await authzen.post(question(admin), { as: ASKER })).body).toEqual({ decision: true });
  });
});

describe("a client known by its certificate", () => {
  let authority: Authority;
  let authzen: Authzen;
  beforeAll(async () => {
    authority = await createAuthority("mesh");
    const tls = { ...(await authority.issue({ name: "pdp", use: "server" })), clientCa: authority.ca };
    authzen = await startAuthzen({ tls });
    authzen.world.verdict = () => elevating();
  });
  afterAll(() => authzen[Symbol.asyncDispose]());
  const named = (...uris: string[]) => authority.issue({ name: "client", use: "client", uris });

  test("is nobody with another name, with a name that only holds it, or with a certificate of another authority", async () => {
    for (const name of ["spiffe://example.org/enforcer2", "spiffe://example.org/enforcer/x", "spiffe://example.org"]) {
      expect(await authzen.post(question(), { as: null, certificate: await named(name) })).toMatchObject({
        status: 401,
      });
    }
    const foreign = await createAuthority("foreign");
    const forged = await foreign.issue({ name: "client", use: "client", uris: ["spiffe://example.org/enforcer"] });
    await expect(authzen.post(question(), { as: null, certificate: forged })).rejects.toThrow();
    await expect(authzen.post(question(), { as: null })).rejects.toThrow();
  });

  test("enforces, where it is configured to", async () => {
    const certificate = await named("spiffe://example.org/enforcer");
    const { status, body } = await authzen.post(question(ENFORCED), { as: null, certificate });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { context: { denial: { request_url: REQUEST_URL } } },
    });
  });

  test("needs its token as well where it has one, and a certificate does not make another client's token its own", async () => {
    const token = "service-token-with-a-certificate";
    const own = await named("spiffe://example.org/both");
    const other = await named("spiffe://example.org/enforcer");
    expect(await authzen.post(question(), { as: null, certificate: own })).toMatchObject({ status: 401 });
    expect(await authzen.post(question(), { as: token, certificate: other })).toMatchObject({ status: 401 });
    expect(await authzen.post(question(), { as: token, certificate: own })).toMatchObject({ status: 200 });
    expect(await authzen.post(question(ENFORCED), { as: token, certificate: own })).toMatchObject({ status: 403 });
  });

  test("is not who a wrong token says, even beside a certificate that would do", async () => {
    const certificate = await named("spiffe://example.org/enforcer");
    expect(await authzen.post(question(), { as: "wrong-token-of-nobody", certificate })).toMatchObject({ status: 401 });
  });
});

describe("a search", () => {
  const entities = ["f1", "f2", "f3"].map((name) => ({ type: "file", id: name, properties: {} }));
  const candidates = {
    offered: () => true,
    list: () => ({ kind: "candidates", revision: "r1", entities }) as const,
  };
  const fault = { kind: "fault", reason: "policy_error", detail: "broken" } as const;
  const body = { ...question(), resource: { type: "file" } };
  const at = "/access/v1/search/resource";

  test("that meets a fault ends before it and says that there is more; begun at the fault, it is an error", async () => {
    await using authzen = await startAuthzen({ candidates });
    authzen.world.verdict = ({ resource }) => (resource.id === "f2" ? fault : allowing);
    const first = await authzen.post(body, { at });
    expect(first).toMatchObject({ status: 200, body: { results: [{ id: "f1" }], page: { count: 1 } } });
    const token: unknown = Reflect.get(Object(Reflect.get(Object(first.body), "page")), "next_token");
    expect(token).not.toBe("");
    const next = await authzen.post({ ...body, page: { token } }, { at });
    expect(next).toMatchObject({ status: 500, body: "the search could not be done: policy_error" });
    authzen.world.verdict = () => allowing;
    expect((await authzen.post({ ...body, page: { token } }, { at })).body).toMatchObject({
      results: [{ id: "f2" }, { id: "f3" }],
    });
  });

  test("is an error while grants cannot be trusted, and while there is no time, and never an empty list", async () => {
    await using authzen = await startAuthzen({ candidates });
    authzen.world.verdict = () => elevating();
    authzen.clocks.monoMs += 60_000;
    expect(await authzen.post(body, { at })).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    authzen.clocks.monoMs -= 60_000;
    expect((await authzen.post(body, { at })).body).toEqual({ results: [] });
    await using late = await startAuthzen({ candidates, budgetMs: 1 });
    late.world.verdict = () => allowing;
    expect(await late.post(body, { at })).toMatchObject({ status: 503 });
  });
});
