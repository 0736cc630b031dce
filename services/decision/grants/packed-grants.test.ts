import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Acting } from "../../../core/domain/actor-chain.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import { createPackedGrants } from "./packed-grants.ts";

const text = fc.string({ unit: "binary", maxLength: 20 });
const account = fc.record({ issuer: text, id: text });
const time = fc.integer({ min: 0, max: 253_402_300_799_999 }).map(instant);
const count = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const exact = fc.record({
  kind: fc.constant("exact" as const),
  digest: fc.stringMatching(/^[0-9a-f]{64}$/).map(digest),
  bindHeaders: fc.array(text, { maxLength: 3 }),
});
const grant: fc.Arbitrary<Grant> = fc.record({
  id: fc.uuid().map((one) => id("grant", one)),
  version: count,
  requestId: fc.uuid().map((one) => id("request", one)),
  denialId: fc.uuid().map((one) => id("denial", one)),
  person: fc.option(fc.record({ realm: text, id: text }), { nil: undefined }),
  ...{ issuer: text, subject: text, actors: fc.array(account, { maxLength: 3 }), entitlement: text, scope: text },
  binding: fc.oneof(fc.constant({ kind: "scope" as const }), exact),
  state: fc.constantFrom("scheduled", "active", "consumed", "expired", "revoked"),
  uses: count,
  maxUses: fc.oneof(fc.constant("unlimited" as const), fc.integer({ min: 1 })),
  ...{ notBefore: time, expiresAt: time },
});

describe("packed grants", () => {
  test("come back as they were, each to its caller", () => {
    fc.assert(
      fc.property(grant, (one) => {
        const grants = createPackedGrants();
        grants.add(one);
        expect(grants.of(one)).toEqual([one]);
      }),
    );
  });

  test("come to nobody else: not to another account, nor to the account alone or with another chain", () => {
    const [sample] = fc.sample(grant, 1);
    if (sample === undefined) throw new Error("no grant to try with");
    const agent = { issuer: "https://a.example", id: "agent" };
    const one: Grant = { ...sample, issuer: "https://a.example", subject: "dana", actors: [agent] };
    const grants = createPackedGrants();
    const place = grants.add(one);
    const others: readonly Acting[] = [
      { ...one, actors: [] },
      { ...one, actors: [agent, agent] },
      { ...one, actors: [{ ...agent, id: "agent2" }] },
      { ...one, subject: "dan" },
      { ...one, issuer: "https://a.exampled", subject: "ana" },
    ];
    for (const other of others) expect(grants.of(other)).toEqual([]);
    expect(grants.of(one)).toEqual([one]);
    grants.remove(place);
    expect(grants.of(one)).toEqual([]);
  });
});
