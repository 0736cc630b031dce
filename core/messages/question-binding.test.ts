/** Ids in names are rows of the Access Request profile's table of requirements (test/conformance/access-request-profile). */
import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Question } from "../domain/question.ts";
import { bindingHash, isAbout, questionHash, questionHashes, recordedMembers } from "./question-binding.ts";

const asked: Question = {
  subject: { type: "user", id: "dana", properties: { level: 3, act: { sub: "bot" } } },
  resource: { type: "file", id: "f1", properties: {} },
  action: { name: "delete", properties: { soft: false } },
  context: { device: "managed", time: "2026-11-27T10:00:00Z", approval: { id: "x" }, evaluation_id: "y", reason: "z" },
};
const hashes = questionHashes(asked);

test("arap-21-1-4-6: the binding hash is base64url of SHA-256 over the canonical form, `act` left out, to the last digit", () => {
  const question: Question = {
    subject: {
      type: "user",
      id: "𝒹ana",
      properties: { z: -0, a: 1e21, act: { sub: "bot" }, "\u20ac": 0.1, "1": null },
    },
    resource: { type: "file", id: "f/1", properties: { list: [3, { b: true, a: '\u0001"' }] } },
    action: { name: "delete", properties: {} },
    context: { purpose: "é" },
  };
  // Written by hand after RFC 8785: members sorted by UTF-16 code units, numbers as ECMAScript writes them.
  const canonical =
    '{"action":{"name":"delete"},"context":{"purpose":"é"},' +
    '"resource":{"id":"f/1","properties":{"list":[3,{"a":"\\u0001\\"","b":true}]},"type":"file"},' +
    '"subject":{"id":"𝒹ana","properties":{"1":null,"a":1e+21,"z":0,"€":0.1},"type":"user"}}';
  const expected = createHash("sha256").update(canonical).digest("base64url");
  expect(bindingHash(questionHash(question))).toBe(expected);
  expect(expected).not.toContain("=");
});

describe("what a denial is held to", () => {
  test.each<readonly [string, Partial<Question>]>([
    ["another subject", { subject: { ...asked.subject, id: "max" } }],
    ["another type of subject", { subject: { ...asked.subject, type: "robot" } }],
    ["a property of the subject more", { subject: { ...asked.subject, properties: { level: 3, admin: true } } }],
    ["a property of the subject less", { subject: { ...asked.subject, properties: {} } }],
    ["another resource", { resource: { ...asked.resource, id: "f2" } }],
    ["a property of the resource more", { resource: { ...asked.resource, properties: { owner: "dana" } } }],
    ["another action", { action: { ...asked.action, name: "read" } }],
    ["another property of the action", { action: { ...asked.action, properties: { soft: true } } }],
    ["another bound context", { context: { ...asked.context, device: "unknown" } }],
    ["a bound context member that is null", { context: { ...asked.context, device: null } }],
    ["half a character", { resource: { ...asked.resource, id: "f1\ud800" } }],
    ["a bound context member that is gone", { context: {} }],
  ])("is not %s", (_what, changes) => {
    expect(isAbout(hashes, { ...asked, ...changes })).toBe(false);
  });

  test("arap-4-2, arap-4-3: is the same with what is not bound: another time, a member more, another actor", () => {
    expect(isAbout(hashes, asked)).toBe(true);
    const later = { device: "managed", time: "2026-11-27T11:00:00Z", business_justification: "the customer asked" };
    const by = { ...asked.subject, properties: { level: 3, act: { sub: "another bot" } } };
    expect(isAbout(hashes, { ...asked, subject: by, context: later })).toBe(true);
  });

  test("arap-4-2: is subject, resource and action alone where no context was bound, whatever context comes with them", () => {
    const bare = questionHashes({ ...asked, context: { time: "2026-11-27T10:00:00Z" } });
    expect(recordedMembers(bare)).toEqual([]);
    for (const context of [{}, asked.context, { device: "unknown" }])
      expect(isAbout(bare, { ...asked, context })).toBe(true);
    expect(isAbout(bare, { ...asked, context: {}, resource: { ...asked.resource, id: "f2" } })).toBe(false);
  });

  test("arap-4-1, arap-4-4: says which context members are bound, and none of the profile's own is", () => {
    expect(recordedMembers(hashes)).toEqual(["device"]);
    const odd = { "a/b %": 1, "\u0000": 2, __proto__x: 3, access_request: 4, evaluated_at: 5, next_action: 6 };
    expect(recordedMembers(questionHashes({ ...asked, context: odd }))).toEqual(["\u0000", "__proto__x", "a/b %"]);
    expect(Object.keys(questionHashes({ ...asked, context: odd })).every((name) => /^[!-~]+$/.test(name))).toBe(true);
  });

  test("is nothing that was denied to a call and to no question", () => {
    expect(isAbout({}, asked)).toBe(false);
  });
});
