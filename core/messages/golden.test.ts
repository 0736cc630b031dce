import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import type { Denial } from "../domain/denial.ts";
import { readDecisionBatch, batchFault } from "./decision-record.ts";
import { denialToWire, readDenial } from "./denial-record.ts";
import { recomputedLeafHash } from "./audit-event.ts";
import { denialKey } from "./record-keys.ts";
import { incidentToWire, readIncident } from "./incident-record.ts";
import { profileId, profileKey, readProfile } from "./profile-record.ts";
import { goldenRecords, sampleDenial } from "./samples.ts";
import { grantToWire, readGrant, readHeartbeat } from "./state-record.ts";

const folder = new URL("./golden/", import.meta.url);
const golden = (name: string) => readFileSync(new URL(`${name}.json`, folder));

describe("golden files", () => {
  test("no golden file is left over or missing", () => {
    expect(readdirSync(folder).sort()).toEqual([...goldenRecords().keys()].map((name) => `${name}.json`).sort());
  });

  test.each([...goldenRecords()])("%s is on the wire what it was when it was recorded", (name, value) => {
    expect(JSON.parse(golden(name).toString())).toEqual(JSON.parse(JSON.stringify(value)));
  });

  test("each record is read back to what was written", () => {
    const denial = readDenial(golden("denial"));
    expect(denial.kind === "parsed" && denialToWire(denial.value)).toEqual(denialToWire(sampleDenial()));
    const grant = readGrant(golden("grant"));
    expect(grant.kind === "parsed" && grantToWire(grant.value)).toEqual(JSON.parse(golden("grant").toString()));
    const incident = readIncident(golden("incident"));
    expect(incident.kind === "parsed" && incidentToWire(incident.value)).toEqual(
      JSON.parse(golden("incident").toString()),
    );
    const profile = JSON.parse(golden("profile").toString());
    const key = profileKey(profileId(profile));
    expect(readProfile(key, Date.parse(profile.as_of), golden("profile"))).toEqual({ kind: "parsed", value: profile });
    expect(readHeartbeat(golden("heartbeat")).kind).toBe("parsed");
    const batch = readDecisionBatch(golden("decision-batch"));
    expect(batch.kind === "parsed" && batchFault(batch.value, "pdp-a")).toBeUndefined();
    const event = JSON.parse(golden("audit-event").toString());
    expect(recomputedLeafHash(event)).toBe(event.leafhash);
  });
});

test("a denial of a call that was not HTTP carries no field hashes, and is read", () => {
  const sample = sampleDenial();
  const elevation = { ...sample.offers[0].elevation, binding: "scope", bindHeaders: [] } as const;
  const offers: Denial["offers"] = [{ elevation, binding: { kind: "unbindable", reason: "body_not_bindable" } }];
  const { policyRevision, justification, subject } = sample;
  const key = denialKey({ issuer: subject.issuer, subject: subject.id, policyRevision, offers, justification });
  const call = { ...sample.call, protocol: "tcp", fieldHashes: {} } as const;
  const read = readDenial(Buffer.from(JSON.stringify(denialToWire({ ...sample, key, call, offers }))));
  expect(read).toMatchObject({ kind: "parsed", value: { offers: [{ binding: { kind: "unbindable" } }] } });
});

describe("a denial that was tampered with", () => {
  const wire = () => denialToWire(sampleDenial());
  const read = (value: unknown) => readDenial(Buffer.from(JSON.stringify(value)));

  test("is malformed when a plain field is not the one that was hashed", () => {
    const forged = wire();
    forged.call.path = "/admin";
    expect(read(forged)).toEqual({ kind: "malformed", detail: "field path does not match its hash" });
  });

  test("is malformed when a field hash is not in the digest", () => {
    const forged = wire();
    forged.call.field_hashes["body"] = "f".repeat(64);
    expect(read(forged).kind).toBe("malformed");
  });

  test("is malformed when what people see was changed: the key covers every key of the elevation", () => {
    const forged = wire();
    const [offer] = forged.offers;
    if (offer !== undefined) offer.elevation.display = [{ label: "Amount", value: "4" }];
    expect(read(forged)).toEqual({ kind: "malformed", detail: "the denial key does not follow from the denial" });
  });

  test("is malformed when an exact elevation lost its digest, or a bound header its hash", () => {
    const forged = wire();
    const [offer] = forged.offers;
    if (offer !== undefined) offer.digest = null;
    expect(read(forged)).toEqual({ kind: "malformed", detail: "an exact elevation without a digest" });
    const headerless = wire();
    delete headerless.call.field_hashes["header:x-currency"];
    expect(read(headerless).kind).toBe("malformed");
  });

  test.each([
    ["an unknown key", (value: Record<string, unknown>) => ({ ...value, extra: 1 })],
    ["another major version", (value: Record<string, unknown>) => ({ ...value, v: 2 })],
    ["a time without a zone", (value: Record<string, unknown>) => ({ ...value, minted_at: "2026-11-24 10:00" })],
    ["no offers", (value: Record<string, unknown>) => ({ ...value, offers: [] })],
  ])("is malformed with %s", (_name, change) => {
    expect(read(change(wire())).kind).toBe("malformed");
  });

  test.each([["", "{", "null", "[]", '"x"', "\u0000"]])("garbage is malformed, never thrown: %j", (text) => {
    expect(readDenial(Buffer.from(text)).kind).toBe("malformed");
  });
});
