import { describe, expect, test } from "@jest/globals";
import { digest, id } from "./id.ts";
import { type DigestedRequest, requestDigestParts, salted } from "./request-digest.ts";
import type { Requirement } from "./requirement.ts";
import { durationMs, instant } from "./time.ts";

const A = digest("a".repeat(64));
const B = digest("b".repeat(64));
const uuid = (n: number) => `01930000-0000-7000-8000-${String(n).padStart(12, "0")}`;
const managers: Requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "managers" } };
const security: Requirement = { kind: "one_from", set: { kind: "group", realm: "corp", group: "security" } };

const request: DigestedRequest = {
  id: id("request", uuid(1)),
  denialId: id("denial", uuid(2)),
  requester: {
    person: { realm: "corp", id: "dana" },
    actorPersons: [],
    issuer: "https://a",
    subject: "dana",
    actors: [{ issuer: "https://a", id: "agent" }],
  },
  submittedBy: {
    person: { realm: "corp", id: "max" },
    actorPersons: [],
    issuer: "https://a",
    subject: "max",
    actors: [{ issuer: "https://a", id: "other" }],
  },
  call: {
    protocol: "http",
    method: "POST",
    authority: "orders",
    path: "/refunds",
    maskedQuery: "dry=***",
    bodyBytes: 24,
    fieldHashes: { body: A },
    sourceAddress: "192.0.2.7",
  },
  offer: {
    elevation: {
      entitlement: "refund",
      scope: "order/42",
      title: "Refund",
      display: [{ label: "Order", value: "42" }],
      approversHint: "managers",
      risk: "high",
      binding: "scope",
      bindHeaders: ["x-currency"],
      maxUses: 5,
      maxDuration: durationMs(3_600_000),
      justification: { required: true, minLength: 10 },
    },
    binding: { kind: "digest", digest: A },
  },
  justification: "customer called",
  requested: {
    maxUses: 5,
    duration: durationMs(3_600_000),
    notBefore: instant(1),
    notAfter: instant(9_000),
    binding: "scope",
  },
  policyRevision: "r1",
};

/** Every way to reach a leaf of a value, as the path to it. */
function leaves(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

function changedAt(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return typeof value === "number" ? value + 1_000 : typeof value === "boolean" ? !value : B;
  const entries = Object.entries(Object(value)).map(([name, inner]) => [
    name,
    name === key ? changedAt(inner, rest) : inner,
  ]);
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}

const noLimits = { requirement: managers, limits: undefined };
const partsOf = (changed: unknown) =>
  // @ts-expect-error a copy with one leaf changed has the shape of the original, which no type can say
  JSON.stringify(requestDigestParts(changed, noLimits));

/** `kind` of a union says which keys are there; what is under them is covered. */
const paths = leaves(request).filter((path) => path.at(-1) !== "kind");

describe("what a reviewer sees is covered by the digest", () => {
  test.each(paths.map((path) => [path.join("."), path] as const))("%s", (_name, path) => {
    expect(partsOf(changedAt(request, path))).not.toBe(partsOf(request));
  });

  test("the salt, which leaves the hashes of the fields what they are", () => {
    const call = salted(request.call, B);
    expect(partsOf({ ...request, call })).not.toBe(partsOf({ ...request, call: salted(request.call, A) }));
    expect(call.fieldHashes).toMatchObject(request.call.fieldHashes);
  });

  test("who submitted it, when that was not the requester", () => {
    const submitters = [undefined, request.requester, { ...request.requester, actors: [] }];
    const parts = submitters.map((submittedBy) => partsOf({ ...request, submittedBy }));
    expect(new Set(parts).size).toBe(submitters.length);
  });

  test("what routing adds: who must agree, that nobody must, and what is granted at most", () => {
    const limits = { maxUses: 1, maxDuration: durationMs(60_000) };
    const routings = [
      noLimits,
      { requirement: security, limits: undefined },
      { requirement: undefined, limits: undefined },
      { requirement: managers, limits },
      { requirement: managers, limits: { ...limits, maxUses: 2 } },
      { requirement: managers, limits: { ...limits, maxDuration: undefined } },
    ];
    const parts = routings.map((routing) => JSON.stringify(requestDigestParts(request, routing)));
    expect(new Set(parts).size).toBe(routings.length);
  });

  test("a call that cannot be bound, which no binding digest speaks for", () => {
    const unbound: DigestedRequest = {
      ...request,
      offer: { ...request.offer, binding: { kind: "unbindable", reason: "body_not_bindable" } },
    };
    expect(partsOf({ ...unbound, call: { ...unbound.call, method: "DELETE" } })).not.toBe(partsOf(unbound));
  });
});
