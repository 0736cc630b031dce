/**
 * The schemas that `opa check` judges policies by against the documents that are really built: every member that is sent has its place
 * there with its type, or a policy that uses it would be refused, and one that misspells it taken.
 */
import { expect, test } from "@jest/globals";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { durationMs, instant } from "../../domain/time.ts";
import { sampleDenial } from "../../messages/samples.ts";
import type { RoutedRequest } from "../../domain/access-request.ts";
import { createMayReviewInput, createRouteInput } from "../approval-input.ts";
import { createDecisionInput } from "../envoy-input/decision-input.ts";
import { DecisionInput, MayReviewInput, RouteInput } from "./input.ts";

const denial = sampleDenial();
const { subject, call } = denial;
const dana = { realm: "corp", id: "dana@example.org" };
const peer = {
  address: "192.0.2.7",
  port: 4_711,
  principal: "spiffe://corp/orders",
  service: "orders",
  labels: new Map([["zone", "a"]]),
  certificate: "-----BEGIN CERTIFICATE-----",
};
const http = {
  method: "POST",
  scheme: "https",
  authority: "orders.example",
  path: "/refunds",
  query: "?dry=1",
  headers: new Map([["content-type", ["application/json"]]]),
  body: { kind: "bytes", bytes: Buffer.from('{"amount":40}') },
} as const;
const context = {
  time: "2026-11-24T10:00:00Z",
  local: { zone: "UTC", date: "2026-11-24", weekday: "Tuesday", hour: 10, minute: 0, office_hours: true },
  source_address: "192.0.2.7",
  country: "NZ",
  country_database: "2026-11-20T00:00:00.000Z",
  device: { managed: true },
  state: { fresh: true },
};
const routed: RoutedRequest = {
  requester: { person: dana, actorPersons: [], issuer: subject.issuer, subject: subject.id, actors: subject.actors },
  subject,
  call,
  offer: denial.offers[0],
  justification: "charged twice",
  requested: { maxUses: 1, duration: durationMs(600_000), notBefore: instant(0), binding: "exact" },
};
const requested = { ...routed.requested, maxUses: "unlimited", notBefore: undefined } as const;
const reviewer = { subject, person: undefined, actorPersons: [], machine: true };

function decisionInput(request: typeof http | undefined): unknown {
  const call = {
    source: peer,
    destination: peer,
    time: { seconds: 7, nanos: 1 },
    http: request,
    httpDetails: request && { id: "1", protocol: "HTTP/1.1", size: 13 },
    contextExtensions: new Map([["countersign.body", "buffered"]]),
    tlsServerName: "orders.example",
  };
  const made = createDecisionInput({ call }, subject, context);
  return made.kind === "input" ? JSON.parse(made.json) : made;
}

/** The schema as it is, without room for members that it does not name. */
function closed(schema: TSchema): TSchema {
  return JSON.parse(JSON.stringify(schema), (_name, value: unknown) =>
    typeof value === "object" && value !== null && "properties" in value && "type" in value
      ? { ...value, additionalProperties: false }
      : value,
  );
}

test.each<[string, TSchema, unknown]>([
  ["the input of a decision on HTTP", DecisionInput, decisionInput(http)],
  ["the input of a decision on a connection", DecisionInput, decisionInput(undefined)],
  ["the input of a route", RouteInput, JSON.parse(createRouteInput(routed))],
  ["the input of a route without limits", RouteInput, JSON.parse(createRouteInput({ ...routed, requested }))],
  ["the input of a review", MayReviewInput, JSON.parse(createMayReviewInput(routed, reviewer))],
])("%s holds nothing that its schema does not name", (_name, schema, document) => {
  const check = Compile(closed(schema));
  expect(check.Check({ ...Object(document), subjct: 1 })).toBe(false);
  expect([...check.Errors(document)]).toEqual([]);
});
