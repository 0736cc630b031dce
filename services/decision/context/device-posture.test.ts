/** What is said of a device: only by what is configured, in one value, and by claims of the account that was verified. */
import { expect, test } from "@jest/globals";
import type { Subject } from "../../../core/domain/subject.ts";
import { createDevicePosture } from "./device-posture.ts";
import { evaluationOf } from "../../../test/samples/evaluation.ts";

const headers = new Map<string, readonly string[]>([
  ["x-device-os", ["linux"]],
  ["x-device-managed", ["true", "false"]],
  ["x-device-note", ["x".repeat(2_000)]],
  ["managed", ["yes"]],
]);
const evaluation = evaluationOf({ http: { headers } });
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
