/**
 * Half a surrogate pair in free text: taken as U+FFFD by every write of `/v1`, under an `Idempotency-Key` as without one. The access request
 * profile refuses it in either case, since what a question says is hashed.
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createQuarantine, type Quarantine, sam } from "./quarantine-fixture.ts";
import { type Answer, at, textAt } from "./rest-answer.ts";
import { offering, type RestApproval, tokenOf } from "./rest-fixture.ts";

const HALF = "charged twice \ud800 really";
const dana = tokenOf("dana", ["engineers"]);
const max = tokenOf("max", ["managers"]);

let quarantine: Quarantine;
let rest: RestApproval;
beforeAll(async () => {
  quarantine = await createQuarantine();
  ({ rest } = quarantine);
});
afterAll(() => quarantine.close());

type Write = {
  readonly url: string;
  readonly token: string;
  /** With this text. */
  readonly body: (text: string) => unknown;
};

/** One of each that takes a text. */
async function writes(): Promise<readonly Write[]> {
  const [asked, other] = [await rest.askAs(dana), await rest.askAs(dana)];
  const denial = await rest.denyTo(dana, offering({ scope: `order/${randomUUID()}` }));
  const granted = await rest.vote(max, await rest.askAs(dana));
  const incident = { severity: "low", scope: "orders" };
  const opened = await rest.call("POST", "/v1/incidents", { token: sam, body: { ...incident, title: "Orders" } });
  const { id: setAside } = await quarantine.denialSetAside();
  const reason = (text: string) => ({ reason: text });
  return [
    { url: "/v1/requests", token: dana, body: (text) => ({ denial_id: denial.id, justification: text }) },
    {
      url: `/v1/requests/${asked.id}/reviews`,
      token: max,
      body: (text) => ({ vote: "approve", digest: asked.digest, comment: text }),
    },
    { url: `/v1/requests/${other.id}/cancel`, token: dana, body: reason },
    { url: `/v1/grants/${textAt(granted, "grant.id")}/revoke`, token: max, body: reason },
    { url: "/v1/incidents", token: sam, body: (text) => ({ ...incident, title: text }) },
    { url: `/v1/incidents/${textAt(opened, "id")}/close`, token: sam, body: reason },
    { url: `/v1/quarantine/${setAside}/dismiss`, token: sam, body: reason },
  ];
}

test("under a key each write does what it does without one, and is answered alike when it is repeated", async () => {
  const unkeyed = await writes();
  const keyed = await writes();
  for (const [at_, { url, token, body }] of keyed.entries()) {
    const headers = { "idempotency-key": randomUUID() };
    const send = (text: string): Promise<Answer> => rest.call("POST", url, { token, body: body(text), headers });
    const bare = unkeyed[at_];
    const expected = await rest.call("POST", bare?.url ?? "", { token, body: bare?.body(HALF) });
    const first = await send(HALF);
    expect([url, first.status]).toEqual([url, expected.status]);
    expect(first.status).toBeLessThan(300);
    const again = await send(HALF);
    expect([url, again.headers["idempotency-replayed"], again.body]).toEqual([url, "true", first.body]);
    // What spells half a character and is none is another text.
    for (const other of ["charged twice \\ud800 really", "charged twice \\\\ud800 really", "charged twice really"])
      expect([url, at(await send(other), "status")]).toEqual([url, 409]);
  }
});
