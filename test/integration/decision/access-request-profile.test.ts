/**
 * What the Access Request and Approval Profile (draft 1) asks of a decision point, over HTTP. Ids in names are rows of its table of
 * requirements (test/conformance/access-request-profile); what it asks of the access request service is tested beside the approval service.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";
import { id } from "../../../core/domain/id.ts";
import { durationMs, instant, parseRfc3339, plus, rfc3339 } from "../../../core/domain/time.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import {
  allowing,
  ASKER,
  type Authzen,
  denying,
  elevating,
  ENDPOINT,
  ENFORCED,
  ownToken,
  PDP,
  question,
  type Reply,
  startAuthzen,
} from "./authzen-fixture.ts";

let authzen: Authzen;
beforeAll(async () => {
  authzen = await startAuthzen();
});
beforeEach(() => {
  authzen.world.verdict = () => elevating();
  authzen.world.redemption = { kind: "granted", uses: 1 };
});
afterAll(() => authzen[Symbol.asyncDispose]());

const METADATA = "/.well-known/authzen-configuration";
const enforced = (changes: object = {}) => authzen.post(question({ ...ENFORCED, ...changes }));

function at({ body }: Reply, path: string): unknown {
  let value: unknown = body;
  for (const name of path.split(".")) value = Reflect.get(Object(value), name);
  return value;
}
function textAt(reply: Reply, path: string): string {
  const value = at(reply, path);
  if (typeof value !== "string") throw new Error(`no text at ${path}: ${JSON.stringify(reply.body)}`);
  return value;
}
function claimsOf(reply: Reply): { readonly [name: string]: unknown } {
  const [, payload = ""] = textAt(reply, "context.access_request.binding_token").split(".");
  return Object(JSON.parse(Buffer.from(payload, "base64url").toString()));
}
const isKeySet = (value: unknown): value is JSONWebKeySet => Array.isArray(Reflect.get(Object(value), "keys"));

describe("metadata and keys", () => {
  test("arap-6-1, arap-6-2, arap-6-3: name the endpoint, the capability and the keys, all https", async () => {
    const { body } = await authzen.get(METADATA);
    expect(body).toMatchObject({
      access_request_endpoint: ENDPOINT,
      jwks_uri: `${PDP}/access/v1/jwks`,
      capabilities: ["urn:openid:authzen:capability:access-request"],
    });
    const keys = (await authzen.get("/access/v1/jwks")).body;
    if (!isKeySet(keys)) throw new Error("no key set");
    const token = textAt(await enforced(), "context.access_request.binding_token");
    await expect(compactVerify(token, createLocalJWKSet(keys))).resolves.toBeDefined();
  });

  test("arap-6-4: every key has its id and is for signatures, and none is private", async () => {
    const { body, headers } = await authzen.get("/access/v1/jwks");
    expect(body).toEqual({
      keys: [{ kty: "OKP", crv: "Ed25519", x: expect.any(String), kid: "pdp-1", use: "sig", alg: "EdDSA" }],
    });
    expect(headers["cache-control"]).toBe("public, max-age=300");
  });

  test("arap-6-6: metadata, denial and audience name one endpoint: the one that takes the submission", async () => {
    const denied = await enforced();
    const named = [at(await authzen.get(METADATA), "access_request_endpoint"), claimsOf(denied)["aud"]];
    expect([...named, at(denied, "context.access_request.endpoint")]).toEqual([ENDPOINT, ENDPOINT, ENDPOINT]);
  });

  test("arap-17-1: where nothing takes requests, nothing is offered, and neither keys nor capability are published", async () => {
    await using alone = await startAuthzen({ endpoint: null });
    alone.world.verdict = () => elevating();
    const { body } = await alone.post(question(ENFORCED));
    expect(body).toHaveProperty("context.denial.id");
    expect(body).not.toHaveProperty("context.access_request");
    const metadata = (await alone.get(METADATA)).body;
    for (const name of ["access_request_endpoint", "jwks_uri", "capabilities"])
      expect(metadata).not.toHaveProperty(name);
    expect(await alone.get("/access/v1/jwks")).toMatchObject({ status: 404 });
  });
});

describe("a requestable denial", () => {
  test("arap-7-1, arap-17-2: is told from all others by its object alone, and says why", async () => {
    const offered = async (verdict: typeof denying) => {
      authzen.world.verdict = () => verdict;
      const reply = await enforced();
      return [at(reply, "decision"), at(reply, "context.reason"), at(reply, "context.access_request") !== undefined];
    };
    expect(await offered(denying)).toEqual([false, "policy_denied", false]);
    expect(await offered({ kind: "fault", reason: "policy_error", detail: "" })).toEqual([
      false,
      "policy_error",
      false,
    ]);
    expect(await offered(elevating({ binding: "exact" }))).toEqual([false, "body_not_bindable", false]);
    expect(await offered(elevating())).toEqual([false, "approval_required", true]);
    expect(await offered(allowing)).toEqual([true, undefined, false]);
    const asked = await authzen.post(question(), { as: ASKER });
    expect(at(asked, "context.access_request")).toBeUndefined();
  });

  test("arap-7-5, arap-15-1-1, arap-15-2-1, arap-17-3: has the members that the draft names and no others, its end among them", async () => {
    const reply = await enforced();
    const offer = Object(at(reply, "context.access_request"));
    expect(Object.keys(offer).toSorted()).toEqual(["binding_token", "display", "endpoint", "expires_at"]);
    expect(parseRfc3339(textAt(reply, "context.access_request.expires_at"))).toBe(
      authzen.published().at(-1)?.expiresAt,
    );
  });

  test("arap-7-9: is plain while no token can be signed, and the denial can be submitted by its id all the same", async () => {
    authzen.world.sign = () => {
      throw new Error("the key is gone");
    };
    const reply = await enforced({ resource: { type: "file", id: "unsigned" } });
    authzen.world.sign = (bytes) => authzen.signer.sign(bytes);
    expect(at(reply, "context.access_request")).toBeUndefined();
    expect(reply.body).toMatchObject({ decision: false, context: { denial: { id: authzen.published().at(-1)?.id } } });
  });

  test("arap-7-1-1: has one evaluation id in the answer, in the token, on the stream and in the decision log", async () => {
    const reply = await enforced();
    const shown = textAt(reply, "context.evaluation_id");
    expect(claimsOf(reply)["evaluation_id"]).toBe(shown);
    expect(authzen.published().filter((denial) => denial.id === shown)).toHaveLength(1);
    expect(authzen.logged.at(-1)).toMatchObject({ decision: { denial: { id: shown } } });
    expect(textAt(await enforced(), "context.evaluation_id")).toBe(shown);
  });

  test("arap-7-1-2, arap-7-1-4: has an id that no other has, on any replica", async () => {
    await using second = await startAuthzen();
    second.world.verdict = () => elevating();
    const of = (one: Authzen) =>
      Promise.all(
        Array.from({ length: 500 }, async (_, n) =>
          textAt(
            await one.post(question({ ...ENFORCED, resource: { type: "file", id: `n${n}` } })),
            "context.evaluation_id",
          ),
        ),
      );
    const ids = (await Promise.all([of(authzen), of(second)])).flat();
    expect(new Set(ids).size).toBe(1_000);
  });

  test("arap-4-1, arap-4-4: names the context members that bind it, in the token and on the stream, none of the profile's own", async () => {
    const context = {
      device: "managed",
      purpose: "refund",
      time: "now",
      approval: { id: "x" },
      evaluation_id: "y",
      reason: "z",
    };
    const reply = await enforced({ context });
    expect(claimsOf(reply)["binding_context_members"]).toEqual(["device", "purpose"]);
    const hashes = Object.keys(authzen.published().at(-1)?.call.fieldHashes ?? {});
    expect(hashes.filter((name) => name.startsWith("question."))).toEqual([
      "question.context.device",
      "question.context.purpose",
    ]);
  });

  test("arap-4-3: is the same at another time, and another one with another bound context", async () => {
    const evaluationId = async (context: object) => textAt(await enforced({ context }), "context.evaluation_id");
    const first = await evaluationId({ device: "a", time: "10:00", nonce: "1" });
    expect(await evaluationId({ device: "a", time: "11:00", nonce: "2" })).toBe(first);
    expect(await evaluationId({ device: "b", time: "10:00", nonce: "1" })).not.toBe(first);
  });

  test("arap-21-1-4-1, arap-21-1-4-3: has a token for this endpoint, by this decision point, that ends with the denial", async () => {
    const reply = await enforced();
    const { iss, aud, exp, iat, jti, denial_expires_at: end } = claimsOf(reply);
    expect([iss, aud, end]).toEqual([PDP, ENDPOINT, at(reply, "context.access_request.expires_at")]);
    expect(Number(exp) * 1_000).toBeLessThanOrEqual(parseRfc3339(String(end)));
    expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(900);
    expect(jti).not.toBe(claimsOf(await enforced())["jti"]);
  });

  test("arap-20-1: shows what to request and nothing of the policy that asks for it", async () => {
    expect(JSON.stringify((await enforced()).body)).not.toContain("r1");
  });
});

describe("an evaluation with an approval", () => {
  const evaluate = (approval: unknown, changes: object = {}) => enforced({ context: { approval }, ...changes });
  const next = (reply: Reply) => ["reason", "next_action"].map((name) => at(reply, `context.${name}`));
  const soon = () => rfc3339(plus(authzen.clocks.wall, durationMs(300_000)));

  test("arap-12-8, arap-12-10: is no allow by an id: unknown, somebody else's, for something else, over, revoked, used up", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const ask = (approval: object) => own.post(question({ ...ENFORCED, context: { approval } }));
    expect((await ask({ id: uuidv7() })).body).toMatchObject({ decision: false });
    const { wall } = own.clocks;
    for (const changes of [
      { subject: "max" },
      { issuer: "https://other.example" },
      { entitlement: "files-read" },
      { scope: "file/f2" },
      { expiresAt: instant(wall - 1) },
      { state: "revoked" },
      { state: "consumed", uses: 1 },
      { notBefore: plus(wall, durationMs(60_000)) },
    ] as const) {
      expect((await ask({ id: own.give(changes).id, approved_until: soon() })).body).toMatchObject({ decision: false });
    }
    const live = own.give();
    expect((await ask({ id: uuidv7() })).body).toMatchObject({
      decision: true,
      context: { approval: { id: live.id } },
    });
  });

  test("arap-12-6: is bound to whom and to what was approved, whatever id it brings", async () => {
    await using own = await startAuthzen();
    own.world.verdict = ({ resource }) => elevating({ scope: `file/${resource.id}` });
    const approval = { id: own.give().id, approved_until: soon() };
    const ask = (changes: object) => own.post(question({ ...ENFORCED, ...changes, context: { approval } }));
    expect((await ask({ subject: { type: "user", id: "max" } })).body).toMatchObject({ decision: false });
    expect((await ask({ resource: { type: "file", id: "f2" } })).body).toMatchObject({ decision: false });
    own.world.verdict = ({ action }) => (action.name === "delete" ? elevating() : denying);
    expect((await ask({ action: { name: "shred" } })).body).toMatchObject({ decision: false });
    own.world.verdict = ({ context }) => (context["device"] === undefined ? elevating() : denying);
    const changed = question({ ...ENFORCED, context: { approval, device: "lost" } });
    expect((await own.post(changed)).body).toMatchObject({ decision: false });
    expect((await ask({})).body).toMatchObject({ decision: true });
  });

  test("arap-12-9: is judged as if it had none, also where it is no approval at all: no policy sees it", async () => {
    for (const approval of [
      null,
      "yes",
      7,
      [],
      {},
      { id: 1 },
      { id: "apr_1" },
      { id: uuidv7(), state: { granted: true } },
    ]) {
      authzen.world.verdict = () => allowing;
      expect((await evaluate(approval)).body).toEqual({ decision: true });
      authzen.world.verdict = () => denying;
      expect((await evaluate(approval)).body).toMatchObject({ decision: false, context: { reason: "policy_denied" } });
      expect(authzen.world.asked.at(-1)?.context).toEqual({});
    }
    authzen.world.verdict = () => denying;
    const batch = question({ context: { approval: { id: uuidv7() } }, evaluations: [{}] });
    const batched = await authzen.post(batch, { at: "/access/v1/evaluations" });
    expect(batched.body).toEqual({ evaluations: [{ decision: false }] });
    expect(authzen.world.asked.at(-1)?.context).toEqual({});
  });

  test("arap-12-14, arap-17-4: is denied by a policy that denies now, live grant or not, and says that asking again does not help", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const approval = { id: own.give({ maxUses: "unlimited" }).id, approved_until: soon() };
    const ask = () => own.post(question({ ...ENFORCED, context: { approval } }));
    expect((await ask()).body).toMatchObject({ decision: true });
    own.world.verdict = ({ subject }) => (subject.id === "dana" ? denying : allowing); // suspended meanwhile
    expect(next(await ask())).toEqual(["policy_denied", "none"]);
  });

  test("arap-12-15: says what to do next", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const ask = (approval: object) => own.post(question({ ...ENFORCED, context: { approval } }));
    const { wall } = own.clocks;
    const until = { approved_until: soon() };
    // Not here yet, and not to be found: made just now, and long ago.
    expect(next(await ask({ id: uuidv7(), ...until }))).toEqual(["grant_pending", "retry"]);
    const longAgo = id("grant", "01930000-0000-7000-8000-000000000001");
    expect(next(await ask({ id: longAgo, ...until }))).toEqual(["approval_unverifiable", "none"]);
    expect(next(await ask({ id: "apr_1", ...until }))).toEqual(["approval_unverifiable", "none"]);
    expect(next(await ask({ id: longAgo, approved_until: rfc3339(instant(wall - 1)) }))).toEqual([
      "approval_expired",
      "request",
    ]);
    const later = own.give({ notBefore: plus(wall, durationMs(60_000)) });
    expect(next(await ask({ id: later.id, ...until }))).toEqual(["grant_pending", "retry"]);
    const elsewhere = own.give({ scope: "file/f2" });
    expect(next(await ask({ id: elsewhere.id, ...until }))).toEqual(["out_of_scope", "request"]);
    const spent = own.give({ state: "consumed", uses: 1 });
    expect(next(await ask({ id: spent.id, ...until }))).toEqual(["approval_expired", "request"]);
    own.clocks.monoMs += 60_000;
    expect(next(await ask({ id: spent.id, ...until }))).toEqual(["grants_stale", "retry"]);
  });

  test("arap-12-16: never says `request` without a fresh access_request, and that one is later than the last", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const spent = own.give({ state: "consumed", uses: 1 });
    const body = question({ ...ENFORCED, context: { approval: { id: spent.id, approved_until: soon() } } });
    const first = await own.post(body);
    own.clocks.wall = plus(own.clocks.wall, durationMs(360_000));
    own.clocks.monoMs += 360_000;
    own.beat();
    const second = await own.post(body);
    expect([at(first, "context.next_action"), at(second, "context.next_action")]).toEqual(["request", "request"]);
    const [before, after] = [first, second].map((reply) =>
      parseRfc3339(textAt(reply, "context.access_request.expires_at")),
    );
    expect(after).toBeGreaterThan(before ?? 0);
    const asked = await own.post({ ...body, options: undefined });
    expect([at(asked, "context.next_action"), at(asked, "context.access_request")]).toEqual(["none", undefined]);
  });

  test("arap-12-17: says in seconds when to come back, where coming back may help", async () => {
    const pending = await evaluate({ id: uuidv7(), approved_until: soon() });
    expect(at(pending, "context.retry_after")).toBe(1);
  });

  test("arap-12-20: is denied as soon as the revocation is here", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const grant = own.give({ maxUses: "unlimited" });
    const ask = () =>
      own.post(
        question({ ...ENFORCED, context: { approval: { id: grant.id, approved_until: rfc3339(grant.expiresAt) } } }),
      );
    expect((await ask()).body).toMatchObject({ decision: true });
    own.give({ ...grant, version: 2, state: "revoked" });
    expect(next(await ask())).toEqual(["approval_expired", "request"]);
  });

  test("arap-12-23: applies inside of what was approved, and what is beyond is out of scope", async () => {
    await using own = await startAuthzen();
    own.world.verdict = ({ resource }) => elevating({ scope: `file/${resource.id}` });
    const approval = { id: own.give({ maxUses: "unlimited" }).id, approved_until: soon() };
    const ask = (name: string) =>
      own.post(question({ ...ENFORCED, resource: { type: "file", id: name }, context: { approval } }));
    expect(next(await ask("f2"))).toEqual(["out_of_scope", "request"]);
    expect((await ask("f1")).body).toMatchObject({ decision: true });
  });

  test("arap-12-21: shows with an allow until when it holds", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const { id: grantId, expiresAt } = own.give({ maxUses: "unlimited" });
    expect((await own.post(question())).body).toEqual({
      decision: true,
      context: { approval: { id: grantId, approved_until: rfc3339(expiresAt) } },
    });
  });

  test("arap-21-1-3-1: tells nobody of the grants of others, by guessing their ids", async () => {
    await using own = await startAuthzen();
    own.world.verdict = () => elevating();
    const theirs = own.give({ subject: "max", entitlement: "other" });
    const nobodys = id("grant", uuidv7());
    const as = ownToken();
    const [known, unknown] = await Promise.all(
      [theirs.id, nobodys].map((one) => own.post(question({ context: { approval: { id: one } } }), { as })),
    );
    expect(known && next(known)).toEqual(unknown && next(unknown));
  });
});

test("who only asks is told that a grant of limited use is there, and not to request another", async () => {
  const grant = authzen.give();
  const asked = await authzen.post(question({ context: { approval: { id: grant.id } } }));
  expect(asked.body).toMatchObject({ context: { grant_reason: "use_by_enforce", next_action: "none" } });
});
