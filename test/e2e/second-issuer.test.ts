/**
 * One human with accounts at two issuers is one person (rule 5): the second account gives her groups that may review, and yet she can
 * neither approve what the first one asked for nor spend what it was granted.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { canStartSystem, startSystem, type System } from "../harness/system.ts";
import { type Answer, textAt } from "../../platform/programs/client.ts";
import { waitUntil } from "../../platform/programs/wait-until.ts";
import { answerOf } from "../../sample/story/ask.ts";

const possible = await canStartSystem();
let system: System;

beforeAll(async () => {
  if (possible) system = await startSystem();
}, 180_000);
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
}, 60_000);

(possible ? describe : describe.skip)("a second account of the requester", () => {
  test("reviews nothing that she asked for, while the second account of somebody else does; the grant stays with who asked", async () => {
    const dana = await system.as("dana");
    const danaElsewhere = await system.as("dana", "other");
    const maxElsewhere = await system.as("max", "other");
    const denial = await answerOf(() => dana.proxy("DELETE", "/orders/42"));
    const submitted = await submit(textAt(denial.body, "denial_id"));
    const requestId = textAt(submitted.body, "request", "id");
    const review = { vote: "approve", digest: textAt(submitted.body, "request", "digest") };
    const reviews = `/v1/requests/${requestId}/reviews`;

    expect((await dana.approvals("POST", reviews, { body: review })).status).toBe(403);
    const refused = await danaElsewhere.approvals("POST", reviews, { body: review });
    expect(refused).toMatchObject({ status: 403, body: { code: "is_requester" } });
    expect(await dana.approvals("GET", `/v1/requests/${requestId}`)).toMatchObject({
      body: { request: { status: "pending", reviews: [] }, grant: null },
    });

    expect(await maxElsewhere.approvals("POST", reviews, { body: review })).toMatchObject({
      status: 200,
      body: { request: { status: "approved" }, grant: { subject: "dana", issuer: system.issuers.main.url } },
    });
    const stranger = await danaElsewhere.proxy("DELETE", "/orders/42");
    expect(stranger.status).toBe(403);
    expect(await system.orders.journal()).toEqual([]);
    const done = await waitUntil("the grant to open", 30_000, async () => {
      const answer = await dana.proxy("DELETE", "/orders/42");
      return answer.status === 200 && answer;
    });
    expect(done.body).toEqual({ deleted: "42" });

    /** 404 with Retry-After until the denial has arrived over Kafka. */
    async function submit(denialId: string): Promise<Answer> {
      const body = { denial_id: denialId, justification: "the customer cancelled it twice" };
      return waitUntil("the denial to arrive", 30_000, async () => {
        const answer = await dana.approvals("POST", "/v1/requests", { body });
        if (answer.status !== 404) return answer;
        expect(answer.headers.get("retry-after")).toBe("1");
        return undefined;
      });
    }
  }, 60_000);
});
