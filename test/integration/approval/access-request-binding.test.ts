/**
 * Binding tokens of the Access Request profile: one that is not of a denial of the submitter's is refused, and leaves nothing. Ids in names are
 * rows of the profile's table of requirements (test/conformance/access-request-profile).
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import {
  type AccessRequestApproval,
  ASKED,
  bound,
  createAccessRequestApproval,
  EXPIRED,
  INVALID,
  NOT_REQUESTABLE,
  outcome,
  PDP,
  REASON,
  stranger,
  submission,
  tokenFor,
} from "./access-request-fixture.ts";
import { at } from "./rest-answer.ts";
import { createRestApproval, SECOND, tokenOf } from "./rest-fixture.ts";

let rest: AccessRequestApproval;
beforeAll(async () => {
  rest = await createAccessRequestApproval();
});
afterAll(() => rest.close());

const dana = tokenOf("dana", ["developers"]);
const denied = () => rest.denyQuestion(dana);

describe("a binding token", () => {
  test("arap-7-7, arap-21-1-4-2: of another signer, issuer or audience is refused on both endpoints, and leaves no request", () =>
    rest.leavesNothing(async () => {
      const denial = await denied();
      for (const token of [
        tokenFor(denial, {}, stranger),
        tokenFor(denial, { issuer: "https://pdp.example.evil" }),
        tokenFor(denial, { audience: PDP }),
        `${tokenFor(denial).slice(0, -4)}AAAA`,
        "not.a.token",
        randomUUID(),
      ]) {
        expect(outcome(await rest.send(dana, bound(denial, { binding_token: token })))).toEqual(INVALID);
        const own = { token: dana, body: { binding_token: token, justification: REASON } };
        expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([
          400,
          "/v1/problems/invalid_denial_binding",
        ]);
      }
    }));

  test("arap-18-2: of somebody else's denial is no denial of the submitter's, by token, by id, or by both", () =>
    rest.leavesNothing(async () => {
      const theirs = await rest.denyQuestion(tokenOf("eve"));
      expect(outcome(await rest.send(dana, submission(theirs)))).toEqual(NOT_REQUESTABLE);
      expect(outcome(await rest.send(dana, bound(theirs, { binding_token: undefined })))).toEqual(NOT_REQUESTABLE);
      const own = { token: dana, body: { binding_token: tokenFor(theirs), justification: REASON } };
      expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([404, "/v1/problems/unknown_denial"]);
      const mine = await denied();
      const mixed = bound(mine, { binding_token: tokenFor(theirs) });
      expect(outcome(await rest.send(dana, mixed))).toEqual(INVALID);
      const swapped = {
        token: dana,
        body: { denial_id: mine.id, binding_token: tokenFor(theirs), justification: REASON },
      };
      expect(outcome(await rest.call("POST", "/v1/requests", swapped))).toEqual([
        400,
        "/v1/problems/invalid_denial_binding",
      ]);
    }));

  test("is no permission: of a denial that never came it makes no request, and says to come back", () =>
    rest.leavesNothing(async () => {
      const denial = await denied();
      const unheard = tokenFor(denial, { denialId: randomUUID() });
      const answer = await rest.send(dana, bound(denial, { binding_token: unheard, evaluation_id: undefined }));
      expect([answer.status, at(answer, "code"), answer.headers["retry-after"]]).toEqual([404, "unknown_denial", "1"]);
    }));

  test("arap-10-1-8, arap-21-1-4-7: ends with the earlier of its end and the denial's, and what is echoed has to be what was signed", () =>
    rest.leavesNothing(async () => {
      const now = await rest.store.reads.now();
      const over = await rest.denyQuestion(dana, ASKED, {
        mintedAt: instant(now - 900_000),
        expiresAt: instant(now - 1),
      });
      expect(outcome(await rest.send(dana, submission(over)))).toEqual(EXPIRED);
      const own = { token: dana, body: { binding_token: tokenFor(over), justification: REASON } };
      expect(outcome(await rest.call("POST", "/v1/requests", own))).toEqual([410, "/v1/problems/expired_denial"]);
      const later = rfc3339(instant(now + 3_600_000));
      expect(outcome(await rest.send(dana, bound(await denied(), { expires_at: later })))).toEqual(INVALID);
      expect((await rest.send(dana, bound(await denied(), { expires_at: undefined }))).status).toBe(400);
      expect((await rest.send(dana, bound(await denied(), { expires_at: "soon" }))).status).toBe(400);
    }));

  test("whose hash is of another question than the denial's is refused, although it is signed", () =>
    rest.leavesNothing(async () => {
      const denial = await denied();
      const token = tokenFor(denial, { hash: "another" });
      expect(outcome(await rest.send(dana, bound(denial, { binding_token: token })))).toEqual(INVALID);
    }));

  test("arap-21-1-4-8: is taken on both endpoints, with or without the id, also by another account of the person", async () => {
    expect((await rest.send(dana, submission(await denied()))).status).toBe(202);
    expect((await rest.send(dana, bound(await denied(), { evaluation_id: undefined }))).status).toBe(202);
    for (const named of [true, false]) {
      const denial = await denied();
      const body = {
        binding_token: tokenFor(denial),
        justification: REASON,
        ...(named ? { denial_id: denial.id } : {}),
      };
      const answer = await rest.call("POST", "/v1/requests", { token: dana, body });
      expect([answer.status, at(answer, "request.denial_id")]).toEqual([201, denial.id]);
    }
    const alias = tokenOf("d.other", [], { iss: SECOND, email: "dana@example.org" });
    expect((await rest.send(alias, submission(await denied()))).status).toBe(202);
  });

  test("counts for nothing where the profile is not offered, and there is no such endpoint", async () => {
    const plain = await createRestApproval();
    const denial = await denied();
    const body = { binding_token: tokenFor(denial), justification: REASON };
    expect((await plain.call("POST", "/v1/requests", { token: dana, body })).status).toBe(400);
    expect((await plain.call("POST", "/v1/requests", { token: dana, body: { justification: REASON } })).status).toBe(
      400,
    );
    expect((await plain.call("POST", "/access/v1/requests", { token: dana, body: submission(denial) })).status).toBe(
      404,
    );
    await plain.close();
  });
});
