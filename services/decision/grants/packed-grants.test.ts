import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Acting } from "../../../core/domain/actor-chain.ts";
import type { Grant } from "../../../core/domain/grant.ts";
import { digest, id } from "../../../core/domain/id.ts";
import { instant } from "../../../core/domain/time.ts";
import type { Place } from "../../../platform/packed/packed-multimap.ts";
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

function anyGrant(): Grant {
  const [one] = fc.sample(grant, 1);
  if (one === undefined) throw new Error("no grant to try with");
  return one;
}

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

  test("are those of a caller at any time, whether they were looked at before or not", () => {
    const callers = ["dana", "sam"].map((subject) => ({ issuer: "https://a.example", subject, actors: [] }));
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const), grant, caller: fc.constantFrom(...callers) }),
      fc.record({ kind: fc.constant("remove" as const), which: fc.nat() }),
      fc.record({ kind: fc.constant("look" as const), caller: fc.constantFrom(...callers) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const grants = createPackedGrants();
        const model = new Map<Place, Grant>();
        for (const one of steps) {
          if (one.kind === "look") {
            const own = [...model.values()].filter(({ subject }) => subject === one.caller.subject);
            const found = grants.of(one.caller);
            expect(found).toHaveLength(own.length);
            expect(found).toEqual(expect.arrayContaining(own));
          } else if (one.kind === "add") {
            const added: Grant = { ...one.grant, ...one.caller };
            model.set(grants.add(added), added);
          } else {
            const place = [...model.keys()][one.which % Math.max(1, model.size)];
            if (place === undefined) continue;
            expect(grants.at(place)).toEqual(model.get(place));
            grants.remove(place);
            model.delete(place);
          }
        }
      }),
    );
  });

  test("of whoever asked lately are at hand, and not unpacked for each call", () => {
    const sample = anyGrant();
    const grants = createPackedGrants();
    for (let n = 0; n < 5_000; n += 1) grants.add({ ...sample, uses: n });
    const [first] = grants.of(sample);
    expect(grants.of(sample)[0]).toBe(first);
    const added = { ...sample, uses: 5_000 };
    grants.add(added);
    expect(grants.of(sample)).toHaveLength(5_001);
    expect(grants.of(sample)[0]).toBe(first);
  });

  test("come to nobody else: not to another account, nor to the account alone or with another chain", () => {
    const sample = anyGrant();
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
