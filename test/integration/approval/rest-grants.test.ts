/** Grants over REST as the time has them: begun or ended without an event; and what comes of asking again, or of revoking, then. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { id as brandedId } from "../../../core/domain/id.ts";
import { etagOf } from "../../../services/approval/rest/etag.ts";
import { showGrant } from "../../../services/approval/rest/show.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { createRestApproval, offering, type RestApproval, tokenOf } from "./rest-fixture.ts";

let rest: RestApproval;
beforeAll(async () => {
  rest = await createRestApproval();
});
afterAll(() => rest.close());

const [max, sam] = [tokenOf("max", ["managers"]), tokenOf("sam", ["security"])];

/** A grant of that time, from and to in seconds from now, as its request's approval would have written it. */
async function grantOf(from: number, to: number) {
  const granted = await rest.vote(max, await rest.askAs(tokenOf("dana")));
  const id = textAt(granted, "grant.id");
  await rest.database.query(
    `update grants set state = $2, not_before = now() + $3::int * interval '1 second',
                       expires_at = now() + $4::int * interval '1 second' where id = $1`,
    [id, from > 0 ? "scheduled" : "active", from, to],
  );
  return { id, requestId: textAt(granted, "request.id") };
}

async function listed(state: string): Promise<string> {
  return JSON.stringify((await rest.call("GET", `/v1/grants?view=all&limit=200&state=${state}`, { token: sam })).body);
}

async function shown(id: string): Promise<unknown> {
  return at(await rest.call("GET", `/v1/grants/${id}`, { token: sam }), "state");
}

const revoke = (id: string, token: string, headers = {}) =>
  rest.call("POST", `/v1/grants/${id}/revoke`, { token, body: {}, headers });

test("a grant whose start has passed is not shown or listed as scheduled any more, and is revoked by the ETag that was shown", async () => {
  const later = await grantOf(600, 1_200);
  expect(await shown(later.id)).toBe("scheduled");
  const begun = await grantOf(600, 1_200);
  await rest.database.query("update grants set not_before = now() - interval '1 second' where id = $1", [begun.id]);
  const answer = await rest.call("GET", `/v1/grants/${begun.id}`, { token: sam });
  expect(at(answer, "state")).toBe("active");
  expect(at(await rest.call("GET", `/v1/requests/${begun.requestId}`, { token: sam }), "grant.state")).toBe("active");
  for (const { id } of [later, begun]) {
    expect([id, (await listed("scheduled")).includes(id)]).toEqual([id, id === later.id]);
    expect([id, (await listed("active")).includes(id)]).toEqual([id, id === begun.id]);
  }
  const { rows } = await rest.database.query("select state, version from grants where id = $1", [begun.id]);
  expect(rows).toEqual([{ state: "scheduled", version: 1 }]);
  const etag = String(answer.headers["etag"]);
  expect(await revoke(begun.id, sam, { "if-match": etag })).toMatchObject({ status: 200, body: { state: "revoked" } });
});

test.each([
  ["seen scheduled, and has begun", "scheduled", -5, 600, 200],
  ["seen scheduled, and is over", "scheduled", -10, -5, 409],
  ["seen active, and is over", "active", -10, -5, 409],
] as const)(
  "a grant that was %s, is revoked by the ETag of then or is final: time is no change, a use is one",
  async (_name, state, from, to, expected) => {
    const made = async () => {
      const { id } = await grantOf(from, to);
      await rest.database.query("update grants set state = 'scheduled' where id = $1", [id]);
      const grant = await rest.store.reads.grant(brandedId("grant", id));
      if (grant === undefined) throw new Error("no grant");
      return { id, headers: { "if-match": etagOf(showGrant({ ...grant, state })) } };
    };
    const [kept, used] = [await made(), await made()];
    await rest.database.query("update grants set uses = uses + 1, version = version + 1 where id = $1", [used.id]);
    const changed = { status: 412, body: { code: "precondition_failed" } };
    expect(await revoke(used.id, sam, used.headers)).toMatchObject(changed);
    const final = { status: 409, body: { code: "already_final" } };
    const ended = expected === 200 ? { status: 200, body: { state: "revoked" } } : final;
    expect(await revoke(kept.id, sam, kept.headers)).toMatchObject(ended);
    await rest.commands.sweep(); // which marks what is over
    expect(await revoke(kept.id, sam, kept.headers)).toMatchObject(expected === 200 ? changed : final);
  },
);

test("a grant whose time is over is not revoked: 409 before the sweep has seen it and after, with no event and nobody told", async () => {
  const over = await grantOf(-20, -10);
  const told = async () => {
    const { rows } = await rest.database.query<{ type: string }>(
      `select event ->> 'type' as type from outbox
        where event -> 'data' ->> 'grant_id' = $1 and event ->> 'type' <> 'countersign.grant.issued.v1'
       union all select kind from notifications where body -> 'grant' ->> 'id' = $1 and kind = 'grant_revoked'`,
      [over.id],
    );
    return rows.map(({ type }) => type);
  };
  expect(await revoke(over.id, sam)).toMatchObject({ status: 409, body: { code: "already_final" } });
  expect(await shown(over.id)).toBe("expired");
  expect([(await listed("expired")).includes(over.id), (await listed("active")).includes(over.id)]).toEqual([
    true,
    false,
  ]);
  expect(await told()).toEqual([]);
  await rest.commands.sweep();
  expect(await told()).toEqual(["countersign.grant.expired.v1"]);
  expect(await revoke(over.id, sam)).toMatchObject({ status: 409, body: { code: "already_final" } });
});

test("what a grant covers that begins later can be asked for at any time that does not meet its own, and at its own not before it is revoked", async () => {
  const dana = tokenOf("dana-later");
  const offered = offering({ scope: "order/of-tomorrow" });
  const now = await rest.store.reads.now();
  const inMinutes = (minutes: number) => new Date(now + minutes * 60_000).toISOString();
  const ask = async (requested?: object) => {
    const denial = await rest.denyTo(dana, offered);
    const body = { denial_id: denial.id, justification: "the customer was charged twice", requested };
    return rest.call("POST", "/v1/requests", { token: dana, body });
  };
  /** The grant that came of it: one request of a key can be open at a time. */
  const approvedFrom = async (answer: Answer, narrowing?: object) => {
    const request = { id: textAt(answer, "request.id"), digest: textAt(answer, "request.digest") };
    const granted = await rest.vote(max, request, { narrowing });
    return { id: textAt(granted, "grant.id"), state: at(granted, "grant.state") };
  };
  const later = await approvedFrom(await ask(), { not_before: inMinutes(60) }); // for ten minutes
  expect(later.state).toBe("scheduled");
  const own = { not_before: inMinutes(60) };
  for (const requested of [own, { not_before: inMinutes(51) }, { not_before: inMinutes(69), duration: "1m" }]) {
    const refused = { status: 409, body: { code: "already_granted", grant_id: later.id } };
    expect([requested, await ask(requested)]).toMatchObject([requested, refused]);
  }
  for (const requested of [
    { not_before: inMinutes(50) },
    { not_before: inMinutes(71) },
    { not_before: inMinutes(1_500) },
  ]) {
    const answer = await ask(requested);
    expect([requested, answer.status]).toEqual([requested, 201]);
    expect((await approvedFrom(answer)).state).toBe("scheduled");
  }
  const urgent = await ask();
  expect(urgent.status).toBe(201);
  const atOnce = await approvedFrom(urgent);
  expect(atOnce.state).toBe("active");
  expect(await ask()).toMatchObject({ status: 409, body: { code: "already_granted", grant_id: atOnce.id } });
  expect((await ask(own)).status).toBe(409);
  expect((await revoke(later.id, dana)).status).toBe(200);
  expect((await ask(own)).status).toBe(201);
});
