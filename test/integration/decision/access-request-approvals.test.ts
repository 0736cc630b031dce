/**
 * What the profile asks of an evaluation that names an approval: it is judged by what is granted, never by the id that it brings. Ids in
 * names are rows of its table of requirements (test/conformance/access-request-profile).
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import type { Question } from "../../../core/domain/question.ts";
import { durationMs, instant, parseRfc3339, plus, rfc3339 } from "../../../core/domain/time.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { type Authzen, type Reply, startAuthzen } from "./authzen-fixture.ts";
import { allowing, denying, elevating, ENFORCED, ownToken, question } from "./authzen-samples.ts";
import { at, textAt } from "./reply-members.ts";

const wordOf = (value: unknown) => (typeof value === "string" ? value : "none");
/** As a policy elevates that ties its approvals to action, resource and one member of the context. */
const wholeScope = ({ action, resource, context }: Question) =>
  elevating({ scope: `${action.name}/${resource.id}/${wordOf(context["device"])}` });

let authzen: Authzen;
beforeAll(async () => {
  authzen = await startAuthzen();
});
beforeEach(() => authzen.elevateAll());
afterAll(() => authzen[Symbol.asyncDispose]());

describe("an evaluation with an approval", () => {
  const evaluate = (approval: unknown, changes: object = {}) => authzen.enforced({ context: { approval }, ...changes });
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

  test("arap-12-6: is bound to whom, to the scope and until when it was approved, whatever id it brings and whatever may be elevated, and to nothing that the policy left out of the scope", async () => {
    await using own = await startAuthzen();
    own.world.verdict = wholeScope;
    const approval = { id: own.give({ scope: "delete/f1/managed", maxUses: "unlimited" }).id, approved_until: soon() };
    const ask = ({ context = {}, ...changes }: { readonly [member: string]: object } = {}) =>
      own.post(question({ ...ENFORCED, ...changes, context: { device: "managed", ...context, approval } }));
    expect((await ask()).body).toMatchObject({ decision: true, context: { approval: { id: approval.id } } });
    for (const changes of [
      { resource: { type: "file", id: "f2" } },
      { action: { name: "shred" } },
      { context: { device: "lost" } },
      { context: { device: null } },
    ]) {
      expect(next(await ask(changes))).toEqual(["out_of_scope", "request"]);
    }
    const unscoped = {
      resource: { type: "file", id: "f1", properties: { owner: "max" } },
      context: { ticket: "4711" },
    };
    expect((await ask(unscoped)).body).toMatchObject({ decision: true, context: { approval: { id: approval.id } } });
    // Nobody is told that somebody else's approval is there.
    expect(next(await ask({ subject: { type: "user", id: "max" } }))).toEqual(["grant_pending", "retry"]);
    const { wall, monoMs } = own.clocks;
    Object.assign(own.clocks, { wall: plus(wall, durationMs(600_001)), monoMs: monoMs + 600_001 });
    own.beat();
    expect(next(await ask())).toEqual(["approval_expired", "request"]);
  });

  test("arap-12-22: covers the scope that was recorded, which is the elevation's: what the policy made it of counts to the letter, the rest does not, and who acts always does", async () => {
    await using own = await startAuthzen();
    const approval = { id: own.give({ scope: "delete/f1/managed", maxUses: "unlimited" }).id, approved_until: soon() };
    const ask = (context: object, changes: object = {}) =>
      own.post(question({ ...ENFORCED, ...changes, context: { ...context, approval } }));
    const file = (properties: object) => ({ resource: { type: "file", id: "f1", properties } });
    const decisionOf = async (...asked: Parameters<typeof ask>) => at(await ask(...asked), "decision");
    own.world.verdict = wholeScope;
    // No part of the scope: one is added, changed, and there is none.
    for (const properties of [{ owner: "max" }, { owner: "ann" }, {}])
      expect(await decisionOf({ device: "managed" }, file(properties))).toBe(true);
    expect(await decisionOf({ device: "managed", ticket: "4711" })).toBe(true);
    // A part of it: changed, and left out.
    expect(next(await ask({ device: "Managed" }))).toEqual(["out_of_scope", "request"]);
    expect(next(await ask({}))).toEqual(["out_of_scope", "request"]);
    // A policy that wants the draft's default makes its scope of it.
    own.world.verdict = ({ resource }) => elevating({ scope: `file/${wordOf(resource.properties["owner"])}` });
    own.give({ scope: "file/max", maxUses: "unlimited" });
    expect(await decisionOf({}, file({ owner: "max" }))).toBe(true);
    expect(await decisionOf({}, file({ owner: "ann" }))).toBe(false);
    expect(await decisionOf({}, file({}))).toBe(false);
    // NB: the draft leaves `act` out of its match. Here an agent of dana's is somebody else than dana herself.
    const agent = { subject: { type: "user", id: "dana", properties: { act: { sub: "agent" } } } };
    expect(await decisionOf({}, { ...file({ owner: "max" }), ...agent })).toBe(false);
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
    const later = own.give({ notBefore: plus(wall, durationMs(60_001)) });
    const early = await ask({ id: later.id, ...until });
    expect(next(early)).toEqual(["grant_pending", "retry"]);
    expect(at(early, "context.retry_after")).toBe(61);
    expect(at(early, "context.grant_begins_at")).toBe(rfc3339(later.notBefore));
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
    const tokens = [first, second].map((reply) => textAt(reply, "context.access_request.binding_token"));
    expect(new Set(tokens).size).toBe(2);
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
