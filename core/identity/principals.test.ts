/** Which certificate identities a rule names, what accounts they become, who stands behind them, and what a configuration may not say. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { instant } from "../domain/time.ts";
import { createIdentify } from "./identify.ts";
import { createPartyMapper } from "./party.ts";
import { type PrincipalRule, principalFaults } from "./principal-config.ts";
import { matchPrincipal } from "./principal-match.ts";
import { createPrincipals } from "./principals.ts";
import { issuerConfig, issuersOf } from "../../test/samples/tokens.ts";

const people: PrincipalRule = {
  match: "spiffe://example.org/people/{user}",
  issuer: "spiffe://example.org",
  claims: { email: "{user}@example.org" },
  groups: ["engineers"],
  person: { realm: "corp", claim: "email", ignore_case: true },
};
const workloads: PrincipalRule = {
  match: "spiffe://example.org/ns/{ns}/sa/{sa}",
  issuer: "spiffe://example.org",
  groups: ["ns-{ns}"],
};
const old: PrincipalRule = { match: "CN=backup,O=Example", issuer: "x509" };
const principals = createPrincipals([people, workloads, old]);

describe("an identity that no rule names", () => {
  test.each([
    ["another trust domain", "spiffe://example.com/people/dana"],
    ["a trust domain where a dot of the rule is any character", "spiffe://exampleXorg/people/dana"],
    ["a trust domain that ends alike", "spiffe://evil.example.org/people/dana"],
    ["a trust domain that begins alike", "spiffe://example.org.evil/people/dana"],
    ["a trust domain in other case", "spiffe://Example.org/people/dana"],
    ["another scheme", "https://example.org/people/dana"],
    ["the scheme in other case", "SPIFFE://example.org/people/dana"],
    ["fewer segments", "spiffe://example.org/people"],
    ["an empty segment", "spiffe://example.org/people/"],
    ["a slash at the end", "spiffe://example.org/people/dana/"],
    ["a slash more", "spiffe://example.org//people/dana"],
    ["more segments", "spiffe://example.org/people/dana/admin"],
    ["a segment that begins alike", "spiffe://example.org/people2/dana"],
    ["a dot segment", "spiffe://example.org/people/.."],
    ["an escaped slash", "spiffe://example.org/people/dana%2fadmin"],
    ["a query", "spiffe://example.org/people/dana?x"],
    ["an address as segment", "spiffe://example.org/people/dana@evil"],
    ["a control character", "spiffe://example.org/people/dana\n"],
    ["the text of the rule", "spiffe://example.org/people/{user}"],
    ["an exact one that goes on", "CN=backup,O=Example,OU=x"],
    ["an exact one in other case", "cn=backup,o=Example"],
    ["nothing", ""],
    ["one that is too long", `spiffe://example.org/people/${"d".repeat(257)}`],
  ])("%s is no account", (_name, principal) => {
    expect(principals.find(principal)).toBeUndefined();
  });

  test("one that can be no account is refused as such, and not as one that no rule knows", () => {
    const keySets = { current: () => undefined, requestRefresh: () => {} };
    const { identify } = createIdentify({ issuers: issuersOf({}), keySets, principals });
    const reasonOf = (principal: string) => identify({ authorization: [], principal }, instant(1));
    const long = `spiffe://example.org/people/${"d".repeat(257)}`;
    expect(reasonOf(long)).toEqual({ kind: "refused", reason: "credential_claims_invalid" });
    expect(reasonOf("spiffe://other.example/x")).toEqual({ kind: "refused", reason: "credential_issuer_unknown" });
  });

  test("whatever is captured is one whole segment of the identity", () => {
    const texts = fc.string({ unit: fc.constantFrom(..."ab./{}%@-_*\\") });
    fc.assert(
      fc.property(texts, texts, (user, rest) => {
        const captures = matchPrincipal(people.match, `spiffe://example.org/people/${user}${rest}`);
        if (captures === undefined) return;
        expect(captures.get("user")).toBe(user + rest);
        expect(user + rest).toMatch(/^[A-Za-z0-9._-]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("an identity that a rule names", () => {
  test("is an account with the whole identity as id, and what the rule fills in", () => {
    const account = principals.find("spiffe://example.org/people/dana");
    expect(account?.subject).toEqual({
      issuer: "spiffe://example.org",
      id: "spiffe://example.org/people/dana",
      groups: ["engineers"],
      claims: { user: "dana", email: "dana@example.org" },
      actors: [],
    });
    expect(principals.find("spiffe://example.org/people/dana")).toBe(account);
    expect(principals.find("spiffe://example.org/ns/shop/sa/web")?.subject.groups).toEqual(["ns-shop"]);
    expect(principals.find("CN=backup,O=Example")?.subject.issuer).toBe("x509");
  });

  test("counts by the first rule that names it", () => {
    const exact = { match: "spiffe://example.org/people/root", issuer: "spiffe://example.org" };
    const found = createPrincipals([exact, people]).find("spiffe://example.org/people/root");
    expect(found).toMatchObject({ subject: { groups: [] }, machine: true });
  });
});

describe("the person behind an account", () => {
  const issuers = issuersOf({ issuer: "https://corp", person: { realm: "corp", claim: "email", ignore_case: true } });
  const map = createPartyMapper(issuers, principals);
  const dana = { issuer: "spiffe://example.org", id: "spiffe://example.org/people/Dana" };

  test("is the one behind a token of the realm", () => {
    const byToken = map({
      ...{ issuer: "https://corp", id: "1", groups: [], actors: [] },
      claims: { email: "dana@example.org" },
    });
    const byCertificate = map({ ...dana, groups: [], claims: {}, actors: [] });
    expect(byCertificate).toMatchObject({ person: { realm: "corp", id: "dana@example.org" }, machine: false });
    expect(byCertificate.person).toEqual(byToken.person);
  });

  test("follows from the identity and the rules here, not from claims that a record carries", () => {
    const claims = { email: "max@example.org" };
    expect(map({ ...dana, groups: [], claims, actors: [] }).person?.id).toBe("dana@example.org");
  });

  test("is none for a workload, which is a machine", () => {
    const subject = { issuer: "spiffe://example.org", id: "spiffe://example.org/ns/shop/sa/web" };
    expect(map({ ...subject, groups: [], claims: {}, actors: [] })).toMatchObject({ person: undefined, machine: true });
  });

  test.each([
    ["whose issuer is another", { issuer: "spiffe://other", id: dana.id }],
    ["whose issuer is one of tokens", { issuer: "https://corp", id: dana.id }],
    ["that no rule names any longer", { issuer: "spiffe://example.org", id: "spiffe://example.org/gone" }],
  ])("is none for an account %s", (_name, account) => {
    expect(map({ ...account, groups: [], claims: {}, actors: [] }).person).toBeUndefined();
  });

  test("stands behind an actor too: a token that a certificate's account wields", () => {
    const subject = {
      issuer: "https://corp",
      id: "1",
      groups: [],
      claims: { act: { sub: dana.id, iss: dana.issuer } },
    };
    expect(map({ ...subject, actors: [dana] })).toMatchObject({
      actorPersons: [{ realm: "corp", id: "dana@example.org" }],
      machine: true,
    });
  });
});

describe("a configuration is refused", () => {
  const issuers = [
    issuerConfig({ issuer: "https://corp", person: { realm: "corp", claim: "email", ignore_case: true } }),
  ];
  const faults = (...rules: PrincipalRule[]) =>
    principalFaults(rules, issuers, "p").map(({ key, problem }) => `${key} ${problem}`);

  test.each<[string, Partial<PrincipalRule>, string]>([
    ["whose issuer is one of tokens", { issuer: "https://corp" }, "p.0.issuer is an issuer of tokens"],
    ["with a wildcard", { match: "spiffe://example.org/*" }, "p.0.match has a segment"],
    ["with a wildcard in other text", { match: "CN=*" }, "p.0.match may hold"],
    ["with a capture as trust domain", { match: "spiffe://{user}/x" }, "p.0.match needs a trust domain"],
    ["with a trust domain in upper case", { match: "spiffe://Example.org/{user}" }, "p.0.match needs a trust domain"],
    ["with half a segment captured", { match: "spiffe://example.org/u-{user}" }, "p.0.match has a segment"],
    ["with a name captured twice", { match: "spiffe://example.org/{user}/{user}" }, "p.0.match names {user} twice"],
    ["that fills in what is not captured", { claims: { email: "{usr}@x" } }, "p.0.claims.email holds {usr}"],
    ["that fills a group with what is not captured", { groups: ["{team}"] }, "p.0.groups.0 holds {team}"],
    [
      "whose person is by a claim that it has not",
      { person: { realm: "corp", claim: "mail", ignore_case: true } },
      "p.0.person.claim",
    ],
    ["whose realm minds case elsewhere", { person: { realm: "corp", claim: "email" } }, "p.0.person.ignore_case"],
    ["whose realm holds a slash", { person: { realm: "a/b", claim: "sub" } }, "p.0.person.realm"],
  ])("%s", (_name, change, expected) => {
    const found = faults({ ...people, ...change });
    expect(found.some((fault) => fault.startsWith(expected))).toBe(true);
  });

  test("never otherwise", () => {
    expect(faults(people, workloads, old)).toEqual([]);
  });
});
