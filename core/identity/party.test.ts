/** Aliases: who counts as the same human, and who counts as none (rule 5). */
import { describe, expect, test } from "@jest/globals";
import { samePerson, type Subject } from "../domain/subject.ts";
import { createPartyMapper } from "./party.ts";
import { createPersonIds } from "./person-id.ts";
import { issuersOf } from "../../test/samples/tokens.ts";

const corp = {
  issuer: "https://corp",
  person: { realm: "people", claim: "sub" },
  machine: { claim: "kind", value: "service" },
};
const chat = { issuer: "https://chat", person: { realm: "people", claim: "employee" } };
const mail = { issuer: "https://mail", person: { realm: "mail", claim: "email", ignore_case: true } };
const post = { issuer: "https://post", person: { realm: "mail", claim: "email", ignore_case: true } };
const bots = { issuer: "https://bots" };
const map = createPartyMapper(issuersOf(corp, chat, mail, post, bots));

function subject(issuer: string, id: string, claims: Subject["claims"] = {}, actors: Subject["actors"] = []): Subject {
  return { issuer, id, groups: [], claims, actors };
}

const idOf = createPersonIds([corp, chat, mail, post]);
const personOf = (...parts: Parameters<typeof subject>) => map(subject(...parts)).person;

describe("no person", () => {
  test.each<[string, Subject]>([
    ["an unknown issuer", subject("https://nobody", "dana")],
    ["an issuer spelt otherwise", subject("https://corp/", "dana")],
    ["an issuer without a realm", subject("https://bots", "dana")],
    ["a claim that is missing", subject("https://chat", "dana")],
    ["a claim that is empty", subject("https://chat", "x", { employee: "" })],
    ["a claim that is a number", subject("https://chat", "x", { employee: 7 })],
    ["a claim that is a list", subject("https://chat", "x", { employee: ["dana"] })],
    ["a claim that is too long", subject("https://chat", "x", { employee: "d".repeat(257) })],
    ["a claim with a control character", subject("https://chat", "x", { employee: "dana\u0000" })],
    ["a claim with a space around it", subject("https://chat", "x", { employee: "dana " })],
    [
      "an address that is not verified",
      subject("https://mail", "x", { email: "dana@example.com", email_verified: false }),
    ],
  ])("%s", (_name, account) => {
    expect(map(account).person).toBeUndefined();
  });

  test("a claim that only Object.prototype has is missing", () => {
    const odd = createPartyMapper(issuersOf({ issuer: "https://odd", person: { realm: "r", claim: "constructor" } }));
    expect(odd(subject("https://odd", "dana")).person).toBeUndefined();
  });
});

describe("one person", () => {
  test("two accounts of one realm by different claims", () => {
    const a = personOf("https://corp", "dana");
    const b = personOf("https://chat", "U0815", { employee: "dana" });
    expect(a !== undefined && b !== undefined && samePerson(a, b)).toBe(true);
  });

  test.each(["Dana@Example.com", "DANA@EXAMPLE.COM", "ｄana@example.com"])(
    "an address written %s, where case is ignored",
    (email) => {
      expect(personOf("https://post", "2", { email })).toEqual(
        personOf("https://mail", "1", { email: "dana@example.com" }),
      );
      // As somebody else writes it, who names a person in this realm.
      expect(personOf("https://mail", "1", { email })?.id).toBe(idOf("mail", email));
    },
  );

  test("an id that somebody writes by hand, in a realm where case counts or that nobody is in, only as it is written", () => {
    expect([idOf("people", "Dana"), idOf("nowhere", "Dana")]).toEqual(["Dana", "Dana"]);
  });

  test("the verified sub counts, not a claim of that name in a record", () => {
    expect(personOf("https://corp", "dana", { sub: "max" })).toEqual({ realm: "people", id: "dana" });
  });
});

test("two persons: other realm with the same id, other id in the realm, other case where case counts", () => {
  const persons = [
    personOf("https://corp", "dana"),
    personOf("https://corp", "Dana"),
    personOf("https://corp", "max"),
    personOf("https://mail", "x", { email: "dana" }),
  ];
  expect(new Set(persons.map((person) => JSON.stringify(person))).size).toBe(4);
});

describe("machines", () => {
  test.each<[string, Subject, boolean]>([
    ["a plain account", subject("https://corp", "dana"), false],
    ["another value of the claim", subject("https://corp", "dana", { kind: "human" }), false],
    ["the configured value", subject("https://corp", "deployer", { kind: "service" }), true],
    ["the configured value in a list", subject("https://corp", "deployer", { kind: ["service", "x"] }), true],
    [
      "a human's token wielded by an agent",
      subject("https://corp", "dana", {}, [{ issuer: "https://corp", id: "bot" }]),
      true,
    ],
    ["an agent of an unknown issuer", subject("https://corp", "dana", {}, [{ issuer: "https://x", id: "bot" }]), true],
    ["an issuer that is no longer configured", subject("https://gone", "dana"), true],
  ])("%s", (_name, account, machine) => {
    expect(map(account).machine).toBe(machine);
  });
});

describe("persons behind an actor chain", () => {
  test("each actor of a known issuer is mapped by its issuer's claim inside act; others are left out", () => {
    const act = {
      sub: "max",
      act: { iss: "https://chat", sub: "U1", employee: "sam", act: { iss: "https://chat", sub: "U2" } },
    };
    const actors = [
      { issuer: "https://corp", id: "max" },
      { issuer: "https://chat", id: "U1" },
      { issuer: "https://chat", id: "U2" },
      { issuer: "https://unknown", id: "eve" },
    ];
    const party = map(subject("https://corp", "dana", { act }, actors));
    expect(party.person).toEqual({ realm: "people", id: "dana" });
    expect(party.actorPersons).toEqual([
      { realm: "people", id: "max" },
      { realm: "people", id: "sam" },
    ]);
  });

  test("an agent whose act says less or something else than its actors gets no claims from elsewhere", () => {
    const actors = [{ issuer: "https://chat", id: "U1" }];
    const claims = { employee: "dana", act: "U1" };
    expect(map(subject("https://chat", "U9", claims, actors)).actorPersons).toEqual([]);
  });
});
