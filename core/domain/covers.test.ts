import { describe, expect, test } from "@jest/globals";
import { A, ELEVATION, GRANT, NOW, uuid } from "../../test/samples/domain.ts";
import { covering, type CoveringInput } from "./covers.ts";
import type { Grant } from "./grant.ts";
import { digest, id } from "./id.ts";
import { instant } from "./time.ts";

const B = digest("b".repeat(64));
const grant = GRANT;
const elevation = ELEVATION;

describe("covering", () => {
  const at = (serverMs: number, databaseMs = serverMs): CoveringInput["at"] => ({
    kind: "fresh",
    serverNow: instant(serverMs),
    databaseTime: instant(databaseMs),
  });
  const cover = (more: Partial<CoveringInput>) =>
    covering({ account, elevations: [elevation], grants: [grant], at: at(NOW), digestOf: () => A, ...more });
  const account = { issuer: grant.issuer, subject: grant.subject, actors: [] };
  const through = (...names: readonly string[]) => names.map((name) => ({ issuer: grant.issuer, id: name }));

  test.each<[string, Partial<CoveringInput>, string | undefined]>([
    ["a grant of somebody else", { account: { ...account, subject: "sam" } }, undefined],
    ["a grant of the same name at another issuer", { account: { ...account, issuer: "https://b" } }, undefined],
    [
      "a grant for dana alone, used by an agent that acts for her,",
      { account: { ...account, actors: through("bot") } },
      undefined,
    ],
    [
      "a grant for an agent that acts for dana, used by her,",
      { grants: [{ ...grant, actors: through("bot") }] },
      undefined,
    ],
    [
      "a grant for one agent, used by another,",
      { grants: [{ ...grant, actors: through("bot") }], account: { ...account, actors: through("agent") } },
      undefined,
    ],
    [
      "a grant for a chain of two, used by the same in another order,",
      {
        grants: [{ ...grant, actors: through("bot", "agent") }],
        account: { ...account, actors: through("agent", "bot") },
      },
      undefined,
    ],
    ["a grant for another order is outside", { grants: [{ ...grant, scope: "order/43" }] }, "outside"],
    ["a spent grant", { grants: [{ ...grant, state: "consumed", uses: 1 }] }, "spent"],
    ["a revoked grant", { grants: [{ ...grant, state: "revoked" }] }, "revoked"],
    ["a grant within two seconds of its end", { at: at(NOW + 598_000) }, "expired"],
    ["the same by the server's time while the heartbeat is older", { at: at(NOW + 598_000, NOW + 594_000) }, "expired"],
    [
      "a grant for another order that has not begun is no miss at all",
      { grants: [{ ...grant, scope: "order/43" }], at: at(NOW + 5_000, NOW - 1) },
      undefined,
    ],
    [
      "a grant on scope for an elevation that has become exact",
      { elevations: [{ ...elevation, binding: "exact" }] },
      "outside",
    ],
    [
      "an exact grant for another body",
      { grants: [{ ...grant, binding: { kind: "exact", digest: B, bindHeaders: [] } }] },
      "outside",
    ],
    [
      "an exact grant for a call that cannot be bound",
      { grants: [{ ...grant, binding: { kind: "exact", digest: A, bindHeaders: [] } }], digestOf: () => undefined },
      "outside",
    ],
    [
      "an exact grant that binds fewer headers than the policy asks for now",
      {
        elevations: [{ ...elevation, binding: "exact", bindHeaders: ["x-currency"] }],
        grants: [{ ...grant, binding: { kind: "exact", digest: A, bindHeaders: [] } }],
      },
      "outside",
    ],
    [
      "a grant for another entitlement is no miss at all",
      { grants: [{ ...grant, entitlement: "refunds" }] },
      undefined,
    ],
    ["no grant", { grants: [] }, undefined],
  ])("%s does not cover", (_name, more, nearest) => {
    expect(cover(more)).toEqual({ kind: "uncovered", nearest });
  });

  test("a grant whose start the database has not reached does not cover, and it is told when the first of them begins", () => {
    const later: Grant = { ...grant, id: id("grant", uuid(8)), notBefore: instant(NOW + 1_000) };
    const spent: Grant = { ...grant, id: id("grant", uuid(9)), state: "consumed" };
    const miss = { kind: "uncovered", nearest: "not_yet_active", begins: grant.notBefore };
    expect(cover({ at: at(NOW + 5_000, NOW - 1) })).toEqual(miss);
    expect(cover({ grants: [spent, later, grant], at: at(NOW + 5_000, NOW - 1) })).toEqual(miss);
    expect(cover({ grants: [later, spent], at: at(NOW + 500) })).toEqual({ ...miss, begins: later.notBefore });
  });

  test("windows are tried before limited uses, earliest expiry first", () => {
    const later: Grant = { ...grant, id: id("grant", uuid(8)), expiresAt: instant(NOW + 900_000) };
    const window: Grant = { ...later, id: id("grant", uuid(9)), maxUses: "unlimited" };
    const covered = cover({ grants: [later, grant, window] });
    expect(covered.kind === "covered" && covered.candidates.map((one) => one.grant.id)).toEqual([
      window.id,
      grant.id,
      later.id,
    ]);
  });
});
