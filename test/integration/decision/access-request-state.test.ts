/**
 * `approval.state` of the Access Request profile, which is optional and not made here: one that is sent is refused, whoever signed it for whom. That
 * is said after a denial, and the question is judged as if no approval had come. Ids in names are rows of the profile's table of requirements
 * (test/conformance/access-request-profile).
 */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { durationMs, plus, rfc3339 } from "../../../core/domain/time.ts";
import { createSigner, type Signer } from "../../../core/messages/signing.ts";
import { uuidv7 } from "../../../platform/clock.ts";
import { type Authzen, ENDPOINT, PDP, startAuthzen } from "./authzen-fixture.ts";
import { allowing, denying, elevating, ENFORCED, question } from "./authzen-samples.ts";
import { at } from "./reply-members.ts";

const OTHER_PDP = "https://other-pdp.example";
const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const stranger = createSigner("pdp-1", pem);
const unpublished = createSigner("pdp-9", pem);

let authzen: Authzen;
beforeAll(async () => {
  authzen = await startAuthzen();
});
beforeEach(() => {
  authzen.world.verdict = () => elevating();
});
afterAll(() => authzen[Symbol.asyncDispose]());

/** As a decision point that makes states would: of the approval, by its access request service, for itself. */
function stateOf(approvalId: string, by: Signer | undefined, claims: object = {}): string {
  const header = { alg: by === undefined ? "none" : "EdDSA", ...(by === undefined ? {} : { kid: by.kid }) };
  const payload = { iss: ENDPOINT, aud: PDP, id: approvalId, exp: 4_102_444_800, ...claims };
  const input = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${by === undefined ? "" : by.sign(Buffer.from(input)).toString("base64url")}`;
}

describe("an approval that comes with a state", () => {
  const ask = async (approval: object) => {
    const reply = await authzen.post(question({ ...ENFORCED, context: { approval } }));
    return ["decision", "context.reason", "context.next_action"].map((name) => at(reply, name));
  };
  const later = () => ({ approved_until: rfc3339(plus(authzen.clocks.wall, durationMs(300_000))) });

  test.each<readonly [string, (id: string) => unknown]>([
    ["of another approval", () => stateOf(uuidv7(), authzen.signer)],
    ["by a key of another issuer under a known kid", (id) => stateOf(id, stranger)],
    ["by a key that is in no set", (id) => stateOf(id, unpublished)],
    ["of another issuer", (id) => stateOf(id, authzen.signer, { iss: "https://other.example" })],
    ["by nobody", (id) => stateOf(id, undefined)],
    ["for another decision point", (id) => stateOf(id, authzen.signer, { aud: OTHER_PDP })],
    ["for nobody", (id) => stateOf(id, authzen.signer, { aud: undefined })],
    ["in compact JWS by the service's own key, for itself", (id) => stateOf(id, authzen.signer)],
    ["that is an object", (id) => ({ id, granted: true })],
    ["that is null", () => null],
  ])(
    "arap-12-7, arap-12-11, arap-12-12, arap-21-1-4-9: %s is refused, and says so, in place of what its id alone would be told",
    async (_what, make) => {
      const spent = authzen.give({ state: "consumed", uses: 1 });
      const approval = { id: spent.id, ...later() };
      expect(await ask(approval)).toEqual([false, "approval_expired", "request"]);
      expect(await ask({ ...approval, state: make(spent.id) })).toEqual([false, "approval_unverifiable", "none"]);
    },
  );

  test("arap-12-7, arap-12-9: is judged as if it had not come: by the policy, and by a grant that is there, which is named without a state", async () => {
    await using own = await startAuthzen();
    const state = stateOf(uuidv7(), own.signer);
    const evaluate = (id: string) =>
      own.post(question({ ...ENFORCED, context: { approval: { id, ...later(), state } } }));
    own.world.verdict = () => denying;
    expect((await evaluate(uuidv7())).body).toMatchObject({ decision: false, context: { reason: "policy_denied" } });
    own.world.verdict = () => allowing;
    expect((await evaluate(uuidv7())).body).toEqual({ decision: true });
    expect(own.world.asked.at(-1)?.context).toEqual({});
    own.world.verdict = () => elevating();
    const elsewhere = own.give({ scope: "file/f2" });
    expect((await evaluate(elsewhere.id)).body).toMatchObject({ decision: false });
    const live = own.give({ maxUses: "unlimited" });
    expect((await evaluate(elsewhere.id)).body).toEqual({
      decision: true,
      context: { approval: { id: live.id, approved_until: rfc3339(live.expiresAt) } },
    });
  });
});
