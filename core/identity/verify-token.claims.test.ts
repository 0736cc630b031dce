/** What the claims of a token that is signed as it should be have to say, and what becomes of them. */
import { describe, expect, test } from "@jest/globals";
import * as sample from "../../test/samples/tokens.ts";
import { claims, keys, NOW, NOW_SECONDS, signedText, token } from "../../test/samples/tokens.ts";
import { verifier } from "../../test/samples/token-verifier.ts";

describe("claims", () => {
  const { outcome } = verifier();

  test.each([
    ["iss", undefined, "credential_issuer_unknown"],
    ["iss", "https://id.example.com/", "credential_issuer_unknown"],
    ["iss", "https://ID.example.com", "credential_issuer_unknown"],
    ["iss", [sample.ISSUER], "credential_issuer_unknown"],
    ["iss", "__proto__", "credential_issuer_unknown"],
    ["aud", undefined, "credential_audience_wrong"],
    ["aud", "order", "credential_audience_wrong"],
    ["aud", ["orders2", "x"], "credential_audience_wrong"],
    ["aud", [], "credential_audience_wrong"],
    ["aud", { orders: true }, "credential_audience_wrong"],
    ["exp", undefined, "credential_claims_invalid"],
    ["exp", "1900000000", "credential_claims_invalid"],
    ["exp", -1, "credential_expired"],
    ["iat", undefined, "credential_claims_invalid"],
    ["iat", "now", "credential_claims_invalid"],
    ["nbf", "now", "credential_claims_invalid"],
    ["sub", undefined, "credential_claims_invalid"],
    ["sub", "", "credential_claims_invalid"],
    ["sub", 7, "credential_claims_invalid"],
    ["sub", "d".repeat(257), "credential_claims_invalid"],
    ["sub", "dana\r\nx-admin: 1", "credential_claims_invalid"],
    ["sub", "dana\u0000", "credential_claims_invalid"],
    ["sub", "dana\ud800", "credential_malformed"],
    ["groups", "engineers", "credential_claims_invalid"],
    ["_claim_names", { groups: "src1" }, "credential_claims_invalid"],
    ["hasgroups", true, "credential_claims_invalid"],
    ["sub", "dana ", "credential_claims_invalid"],
    ["sub", "\u00a0dana", "credential_claims_invalid"],
    ["groups", ["engineers", 7], "credential_claims_invalid"],
    ["groups", { engineers: true }, "credential_claims_invalid"],
    ["act", "agent", "credential_claims_invalid"],
    ["act", {}, "credential_claims_invalid"],
    ["act", { sub: "agent", act: { sub: "" } }, "credential_claims_invalid"],
    ["act", { sub: "agent", iss: "https://other.example.com/\0" }, "credential_claims_invalid"],
    ["act", { sub: "agent", iss: `https://${"o".repeat(1_017)}` }, "credential_claims_invalid"],
    ["cnf", { jkt: "x" }, "credential_type_wrong"],
  ])("%s = %j is refused", (name, value, reason) => {
    expect(outcome(token(claims({ [name]: value })))).toBe(reason);
  });

  test("groups that are somewhere else than in the token matter where groups are read, and nowhere else", () => {
    expect(outcome(token(claims({ _claim_names: { roles: "src1" } })))).toBe("subject");
    expect(outcome(token(claims({ hasgroups: false })))).toBe("subject");
    const byRoles = verifier({ groups_claim: "roles" });
    expect(byRoles.outcome(token(claims({ roles: ["a"], hasgroups: true })))).toBe("subject");
    expect(byRoles.outcome(token(claims({ _claim_names: { roles: "src1" } })))).toBe("credential_claims_invalid");
  });

  test.each([
    ["no object on the way", { realm_access: ["contractors"] }],
    ["null on the way", { realm_access: null }],
    ["a text at its end", { realm_access: { roles: "contractors" } }],
    ["an object at its end", { realm_access: { roles: { contractors: true } } }],
    ["something else than texts in its list", { realm_access: { roles: ["contractors", 7] } }],
    ["null at its end", { realm_access: { roles: null } }],
    ["a claim of the whole name that is no list", { "realm_access.roles": "a", realm_access: { roles: ["b"] } }],
    ["its outermost claim somewhere else", { _claim_names: { realm_access: "src1" } }],
    ["its claim somewhere else", { _claim_names: { "realm_access.roles": "src1" } }],
  ])("a path to nested groups with %s is refused, never empty groups", (_what, more) => {
    const nested = verifier({ groups_claim: "realm_access.roles" });
    expect(nested.outcome(token(claims(more)))).toBe("credential_claims_invalid");
  });

  test.each<[path: string, more: Record<string, unknown>, groups: readonly string[]]>([
    ["realm_access.roles", { realm_access: { roles: ["contractors"] } }, ["contractors"]],
    ["resource_access.orders.example.roles", { resource_access: { "orders.example": { roles: ["a"] } } }, ["a"]],
    ["a.b.c", { a: { x: 1 }, "a.b": { c: ["d"] } }, ["d"]],
    ["https://example.com/roles", { "https://example.com/roles": ["a"] }, ["a"]],
    ["realm_access.roles", { "realm_access.roles": ["whole"], realm_access: { roles: ["a"] } }, ["whole"]],
    ["realm_access.roles", { realm_access: {} }, []],
    ["realm_access.roles", {}, []],
    ["realm_access.constructor", { realm_access: {} }, []],
  ])("groups at %s of %j are %j", (path, more, groups) => {
    const { caller } = verifier({ groups_claim: path }).verify(token(claims(more)), NOW);
    expect(caller).toMatchObject({ kind: "subject", subject: { groups } });
  });

  test("time claims hold to the second with the configured tolerance", () => {
    const at = (changes: Record<string, unknown>) => outcome(token(claims(changes)));
    expect(at({ exp: NOW_SECONDS - 31 })).toBe("credential_expired");
    expect(at({ exp: NOW_SECONDS - 30 })).toBe("credential_expired");
    expect(at({ exp: NOW_SECONDS - 29 })).toBe("subject");
    expect(at({ nbf: NOW_SECONDS + 31 })).toBe("credential_not_yet_valid");
    expect(at({ nbf: NOW_SECONDS + 30 })).toBe("subject");
    expect(at({ iat: NOW_SECONDS + 31 })).toBe("credential_not_yet_valid");
    expect(at({ iat: NOW_SECONDS + 30 })).toBe("subject");
    expect(at({ iat: NOW_SECONDS - 3_631 })).toBe("credential_expired");
    expect(at({ iat: NOW_SECONDS - 3_630 })).toBe("subject");
  });

  test("an honest token gives issuer, account, groups, actors, claims without times, and when it ends", () => {
    const act = { sub: "agent", act: { iss: "https://other.example.com", sub: "planner" } };
    const { verify } = verifier({ groups_claim: "roles" });
    const { caller } = verify(token(claims({ act, roles: ["a", "b"], aud: ["x", "orders"] })), NOW);
    expect(caller).toEqual({
      kind: "subject",
      expiresAt: NOW + 600_000,
      subject: {
        issuer: sample.ISSUER,
        id: "dana",
        groups: ["a", "b"],
        actors: [
          { issuer: sample.ISSUER, id: "agent" },
          { issuer: "https://other.example.com", id: "planner" },
        ],
        claims: {
          iss: sample.ISSUER,
          aud: ["x", "orders"],
          sub: "dana",
          groups: ["engineers"],
          roles: ["a", "b"],
          act,
        },
      },
    });
  });

  test("claims called __proto__ or constructor are claims and change nothing", () => {
    const payload = `{"__proto__":{"groups":["admins"]},"constructor":1,${JSON.stringify(claims({ groups: undefined })).slice(1)}`;
    const { caller } = verifier().verify(
      signedText('{"alg":"EdDSA","kid":"ed25519"}', payload, "EdDSA", keys.ed25519.privateKey),
      NOW,
    );
    if (caller.kind !== "subject") throw new Error(JSON.stringify(caller));
    expect(caller.subject.groups).toEqual([]);
    expect(Object.getPrototypeOf(caller.subject.claims)).toBeNull();
    expect(Object.keys(caller.subject.claims)).toContain("__proto__");
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("more than eight actors are refused", () => {
    let act: object | undefined;
    for (let depth = 0; depth < 9; depth += 1) act = { sub: `agent-${depth}`, ...(act && { act }) };
    expect(outcome(token(claims({ act })))).toBe("credential_claims_invalid");
  });
});
