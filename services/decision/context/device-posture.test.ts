/** What is said of a device: only by what is configured, in one value, and by claims of the account that was verified. */
import { expect, test } from "@jest/globals";
import { id } from "../../../core/domain/id.ts";
import type { Subject } from "../../../core/domain/subject.ts";
import type { Evaluation } from "../ports.ts";
import { createDevicePosture } from "./device-posture.ts";

const headers = new Map<string, readonly string[]>([
  ["x-device-os", ["linux"]],
  ["x-device-managed", ["true", "false"]],
  ["x-device-note", ["x".repeat(2_000)]],
  ["managed", ["yes"]],
]);
const evaluation: Evaluation = {
  decisionId: id("decision", "01930000-0000-7000-8000-000000000002"),
  protocol: "http",
  call: {
    ...{ source: undefined, destination: undefined, time: undefined, httpDetails: undefined, tlsServerName: undefined },
    contextExtensions: new Map(),
    http: {
      ...{ method: "GET", scheme: "http", authority: "a", path: "/", query: "", headers },
      body: { kind: "not_buffered" },
    },
  },
  credentials: { authorization: [], principal: undefined },
  justification: undefined,
  traceparent: undefined,
};
const dana: Subject = {
  issuer: "i",
  id: "dana",
  groups: [],
  actors: [],
  claims: { device_managed: true, posture: ["a"] },
};

test("nothing is configured: there is no device", () => {
  expect(createDevicePosture({ claims: {}, headers: {} })).toBeUndefined();
});

test("a header counts when it came once and is not huge; one that is not configured never does", () => {
  const device = createDevicePosture({
    claims: {},
    headers: { os: "x-device-os", managed: "x-device-managed", note: "x-device-note", gone: "x-gone" },
  });
  expect({ ...device?.(evaluation, dana) }).toEqual({ os: "linux" });
});

test("claims are those of the account; nobody has none", () => {
  const device = createDevicePosture({
    claims: { managed: "device_managed", posture: "posture", odd: "constructor" },
    headers: {},
  });
  expect({ ...device?.(evaluation, dana) }).toEqual({ managed: true, posture: ["a"] });
  expect({ ...device?.(evaluation, undefined) }).toEqual({});
});
