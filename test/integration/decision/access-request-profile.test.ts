/**
 * What the Access Request and Approval Profile (draft 1) asks of a decision point, over HTTP. Ids in names are rows of its table of
 * requirements (test/conformance/access-request-profile); what it asks of the access request service is tested beside the approval service.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from "jose";
import { durationMs, parseRfc3339, plus } from "../../../core/domain/time.ts";
import { type Authzen, ENDPOINT, PDP, type Reply, startAuthzen } from "./authzen-fixture.ts";
import { allowing, ASKER, denying, elevating, ENFORCED, ownToken, question } from "./authzen-samples.ts";
import { at, claimsOf, textAt } from "./reply-members.ts";

let authzen: Authzen;
beforeAll(async () => {
  authzen = await startAuthzen();
});
beforeEach(() => authzen.elevateAll());
afterAll(() => authzen[Symbol.asyncDispose]());

const METADATA = "/.well-known/authzen-configuration";

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
    const token = textAt(await authzen.enforced(), "context.access_request.binding_token");
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
    const denied = await authzen.enforced();
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

test("arap-15-2-1: whatever comes of a question, its context has the names of the drafts, and those of ours that the page lists, which are plain words", async () => {
  await using own = await startAuthzen({ burst: 2 });
  const found = new Set<string>();
  const collect = (reply: Reply) => {
    const items = at(reply, "evaluations");
    for (const one of Array.isArray(items) ? items : [reply.body])
      for (const name of Object.keys(Object(Object(one).context))) found.add(name);
  };
  const approval = { id: own.give({ state: "consumed", uses: 1 }).id };
  const verdicts = [
    allowing,
    denying,
    elevating(),
    elevating({ binding: "exact" }),
    { kind: "fault", reason: "policy_error", detail: "" } as const,
  ];
  for (const verdict of verdicts) {
    own.world.verdict = () => verdict;
    for (const context of [{}, { approval }]) {
      for (const enforced of [{}, ENFORCED]) collect(await own.post(question({ context, ...enforced })));
      collect(
        await own.post(question({ context, evaluations: [{}, { action: 7 }] }), { at: "/access/v1/evaluations" }),
      );
      collect(await own.post(question({ context }), { as: ownToken({ sub: "max" }) }));
    }
  }
  own.world.verdict = () => elevating();
  for (const n of ["n1", "n2", "n3"]) collect(await own.enforced({ resource: { type: "file", id: n } })); // too many
  own.give({ notBefore: plus(own.clocks.wall, durationMs(60_000)) });
  collect(await own.enforced());
  own.give({ maxUses: "unlimited" });
  collect(await own.enforced());
  const drafts = [
    "access_request",
    "approval",
    "evaluated_at",
    "evaluation_id",
    "next_action",
    "reason",
    "retry_after",
  ];
  const ours = ["denial", "error", "grant_begins_at", "grant_reason", "rules"];
  expect([...found].toSorted()).toEqual([...drafts, ...ours].toSorted());
  const page = await readFile(join(import.meta.dirname, "../../../docs/authzen.md"), "utf8");
  const [, listed = ""] = /\*\*Names of ours in `context`\*\*(.*?)\n\n/s.exec(page) ?? [];
  expect([...listed.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name).toSorted()).toEqual(ours);
});

describe("a requestable denial", () => {
  test("arap-7-1, arap-17-2: is told from all others by its object alone, and says why", async () => {
    const offered = async (verdict: typeof denying) => {
      authzen.world.verdict = () => verdict;
      const reply = await authzen.enforced();
      return [at(reply, "decision"), at(reply, "context.reason"), at(reply, "context.access_request") !== undefined];
    };
    expect(await offered(denying)).toEqual([false, "policy_denied", false]);
    expect(await offered({ kind: "fault", reason: "policy_error", detail: "" })).toEqual([
      false,
      "policy_error",
      false,
    ]);
    expect(await offered(elevating({ binding: "exact" }))).toEqual([false, "exact_needs_http", false]);
    expect(await offered(elevating())).toEqual([false, "approval_required", true]);
    expect(await offered(allowing)).toEqual([true, undefined, false]);
    const asked = await authzen.post(question(), { as: ASKER });
    expect(at(asked, "context.access_request")).toBeUndefined();
  });

  test("arap-7-5, arap-15-1-1, arap-17-3: has the members that the draft names and no others, its end among them", async () => {
    const reply = await authzen.enforced();
    const offer = Object(at(reply, "context.access_request"));
    expect(Object.keys(offer).toSorted()).toEqual(["binding_token", "display", "endpoint", "expires_at"]);
    expect(parseRfc3339(textAt(reply, "context.access_request.expires_at"))).toBe(
      authzen.published().at(-1)?.expiresAt,
    );
  });

  test("arap-7-9: is plain while no token can be signed, and the denial can be submitted by its id all the same; and where freshness cannot be told", async () => {
    authzen.world.sign = () => {
      throw new Error("the key is gone");
    };
    const reply = await authzen.enforced({ resource: { type: "file", id: "unsigned" } });
    authzen.world.sign = (bytes) => authzen.signer.sign(bytes);
    expect(at(reply, "context.access_request")).toBeUndefined();
    expect(reply.body).toMatchObject({ decision: false, context: { denial: { id: authzen.published().at(-1)?.id } } });
    await using stale = await startAuthzen();
    stale.elevateAll();
    expect(at(await stale.enforced(), "context.access_request")).toBeDefined();
    stale.clocks.monoMs += 60_000;
    const { body } = await stale.enforced({ resource: { type: "file", id: "stale" } });
    expect(body).toMatchObject({ decision: false, context: { reason: "grants_stale" } });
    expect(body).not.toHaveProperty("context.access_request");
    expect(body).not.toHaveProperty("context.denial");
  });

  test("arap-7-1-1: has one evaluation id in the answer, in the token, on the stream and in the decision log", async () => {
    const reply = await authzen.enforced();
    const shown = textAt(reply, "context.evaluation_id");
    expect(claimsOf(reply)["evaluation_id"]).toBe(shown);
    expect(authzen.published().filter((denial) => denial.id === shown)).toHaveLength(1);
    expect(authzen.logged.at(-1)).toMatchObject({ decision: { denial: { id: shown } } });
    expect(textAt(await authzen.enforced(), "context.evaluation_id")).toBe(shown);
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
    const reply = await authzen.enforced({ context });
    expect(claimsOf(reply)["binding_context_members"]).toEqual(["device", "purpose"]);
    const hashes = Object.keys(authzen.published().at(-1)?.call.fieldHashes ?? {});
    expect(hashes.filter((name) => name.startsWith("question."))).toEqual([
      "question.context.device",
      "question.context.purpose",
    ]);
  });

  test("arap-4-3: is the same at another time, and another one with another bound context", async () => {
    const evaluationId = async (context: object) =>
      textAt(await authzen.enforced({ context }), "context.evaluation_id");
    const first = await evaluationId({ device: "a", time: "10:00", nonce: "1" });
    expect(await evaluationId({ device: "a", time: "11:00", nonce: "2" })).toBe(first);
    expect(await evaluationId({ device: "b", time: "10:00", nonce: "1" })).not.toBe(first);
  });

  test("arap-21-1-4-1, arap-21-1-4-3: has a token for this endpoint, by this decision point, that ends with the denial", async () => {
    const reply = await authzen.enforced();
    const { iss, aud, exp, iat, jti, denial_expires_at: end } = claimsOf(reply);
    expect([iss, aud, end]).toEqual([PDP, ENDPOINT, at(reply, "context.access_request.expires_at")]);
    expect(Number(exp) * 1_000).toBeLessThanOrEqual(parseRfc3339(String(end)));
    expect(Number(exp) - Number(iat)).toBeLessThanOrEqual(900);
    expect(jti).not.toBe(claimsOf(await authzen.enforced())["jti"]);
  });

  test("arap-20-1: shows what to request and nothing of the policy that asks for it", async () => {
    const { body } = await authzen.enforced();
    expect(membersOf(body)).toEqual(new Set(SHOWN));
    expect(JSON.stringify(body)).not.toContain("r1");
  });
});

/** All that a requestable denial may tell; of the binding token its claims are asked for above. */
const ELEVATION = [
  ...["approvers_hint", "binding", "entitlement", "justification.min_length", "justification.required"],
  ...["max_duration", "max_uses", "risk", "scope", "title"],
];
const SHOWN = [
  ...["decision", "context.reason", "context.evaluation_id", "context.evaluated_at"],
  ...["binding_token", "display.title", "endpoint", "expires_at"].map((name) => `context.access_request.${name}`),
  ...["id", "expires_at", "request_url"].map((name) => `context.denial.${name}`),
  ...ELEVATION.map((name) => `context.denial.elevations.${name}`),
];

/** Paths of all members, those of lists without their number. */
function membersOf(value: unknown, path = ""): Set<string> {
  if (typeof value !== "object" || value === null) return new Set([path]);
  const inner = Object.entries(value).map(([name, one]) => {
    const at = Array.isArray(value) ? path : path === "" ? name : `${path}.${name}`;
    return [...membersOf(one, at)];
  });
  return new Set(inner.flat());
}
