import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { Subject } from "../../../core/domain/subject.ts";
import { instant, rfc3339 } from "../../../core/domain/time.ts";
import { sealEnvelope } from "../../../core/messages/envelope.ts";
import { type ProfileRecord, profileId, profileKey, profileToWire } from "../../../core/messages/profile-record.ts";
import { createSigner, createVerifier } from "../../../core/messages/signing.ts";
import { TOPICS } from "../../../core/messages/topics.ts";
import type { StreamRecord } from "../../../platform/stream/port.ts";
import { waitUntil } from "../../../platform/programs/wait-until.ts";
import { createProfileView, type ProfileOutcome } from "./profile-view.ts";

const NOW = 1_795_478_400_000;
const topic = TOPICS.state.name;
const pair = generateKeyPairSync("ed25519");
const stranger = generateKeyPairSync("ed25519");
const pem = (key: typeof pair.privateKey) => key.export({ type: "pkcs8", format: "pem" }).toString();
const relay = createSigner("relay-1", pem(pair.privateKey));
const forger = createSigner("relay-1", pem(stranger.privateKey));
const verifier = createVerifier(
  new Map([["relay-1", pair.publicKey.export({ type: "spki", format: "pem" }).toString()]]),
);

const subject = (id: string, issuer = "i"): Subject => ({ issuer, id, groups: [], claims: {}, actors: [] });
const keyOf = (name: string) => profileKey(profileId({ issuer: "i", subject: name }));

function wireOf(name: string, asOf: number, days: number): ProfileRecord {
  const counted = { days, last: instant(NOW) };
  return profileToWire({
    ...{ issuer: "i", subject: name, days, since: instant(NOW), asOf: instant(asOf) },
    ...{ hours: [{ hour: 9, ...counted }], networks: [{ network: "192.0.2.0/24", ...counted }] },
    countries: name === "max" ? [] : [{ country: "DE", ...counted }],
  });
}

function record(key: string, version: number, payload: object, signer = relay): StreamRecord {
  const bytes = Buffer.from(JSON.stringify(payload));
  const { value, headers } = sealEnvelope(signer, { deployment: "test", topic, key }, version, bytes);
  const read = new Map([...headers].map(([name, text]) => [name, Buffer.from(text)]));
  return { topic, partition: 0, offset: 0n, key, value, headers: read, timestampMs: 0 };
}

const told = (name: string, version: number, days = 1, signer = relay) =>
  record(keyOf(name), version, wireOf(name, version, days), signer);
const nulled = (name: string): StreamRecord => ({
  ...{ topic, partition: 0, offset: 0n, key: keyOf(name), value: null, headers: new Map(), timestampMs: 0 },
});

function viewing(maxSubjects = 100) {
  const view = createProfileView({ verifier }, { deployment: "test", maxSubjects });
  /** What became of each, in the order of the records; each is waited for, unless they come `together`. */
  async function feed(records: readonly StreamRecord[], { together = false } = {}): Promise<readonly ProfileOutcome[]> {
    const outcomes = new Map<number, ProfileOutcome>();
    for (const [index, one] of records.entries()) {
      view.take(one.key ?? "", one, (outcome) => outcomes.set(index, outcome));
      if (!together) await waitUntil("the record to be judged", 30_000, () => outcomes.has(index));
    }
    return together ? [] : [...outcomes.values()];
  }
  return { view, feed, days: (name: string) => Object(view.find(subject(name)))["days"] };
}

describe("a profile that is not believed", () => {
  test("was signed by a stranger, and takes nothing away", async () => {
    const { feed, days } = viewing();
    expect(await feed([told("dana", NOW, 3), told("dana", NOW + 1, 9, forger)])).toEqual([
      "applied",
      "signature_invalid",
    ]);
    expect(days("dana")).toBe(3);
  });

  test("is older than the one that is known, or the same again", async () => {
    const { feed, days } = viewing();
    expect(await feed([told("dana", NOW, 3), told("dana", NOW - 1), told("dana", NOW)])).toEqual([
      ...["applied", "older", "older"],
    ]);
    expect(days("dana")).toBe(3);
  });

  test("is an older one that comes after the null of a newer one", async () => {
    const { feed, view, days } = viewing();
    expect(await feed([told("dana", NOW, 3), nulled("dana"), told("dana", NOW)])).toEqual([
      ...["applied", "tombstone", "older"],
    ]);
    expect(view.find(subject("dana"))).toBeUndefined();
    expect(await feed([told("dana", NOW + 1, 1)])).toEqual(["applied"]);
    expect(days("dana")).toBe(1);
  });

  test("is signed, and of another account or another time than its key and version", async () => {
    const { feed, view } = viewing();
    const others = [
      record(keyOf("dana"), NOW, wireOf("max", NOW, 1)),
      record(keyOf("dana"), NOW, wireOf("dana", NOW + 1, 1)),
      record(keyOf("dana"), NOW, { ...wireOf("dana", NOW, 1), v: 3 }),
      nulled("dana"),
    ];
    expect(await feed(others)).toEqual(["unreadable", "unreadable", "version_unknown", "older"]);
    expect(view.size).toBe(0);
  });
});

test("an account has the profile of its issuer and name, and no other account has", async () => {
  const { feed, view } = viewing();
  await feed([told("dana", NOW, 3)]);
  expect(view.find(subject("dana"))).toEqual({
    ...{ days: 3, since: "2026-11-24T00:00:00.000Z", as_of: "2026-11-24T00:00:00.000Z" },
    hours: [{ hour: 9, days: 3, last: "2026-11-24T00:00:00.000Z" }],
    networks: [{ network: "192.0.2.0/24", days: 3, last: "2026-11-24T00:00:00.000Z" }],
    countries: [{ country: "DE", days: 3, last: "2026-11-24T00:00:00.000Z" }],
  });
  for (const other of [subject("max"), subject("dana", "other"), subject("idana", "")]) {
    expect(view.find(other)).toBeUndefined();
  }
});

test("where no country is known there are none: a policy need not ask whether the list is there", async () => {
  const { feed, view } = viewing();
  await feed([told("max", NOW)]);
  expect(view.find(subject("max"))).toMatchObject({ countries: [] });
});

/** As services wrote before days: half an hour of calls made an hour or a network look usual. */
function byTenMinutes(name: string, version: number): StreamRecord {
  const counted = { count: 30, last: rfc3339(instant(NOW)) };
  return record(keyOf(name), version, {
    ...{ v: 1, issuer: "i", subject: name, observations: 30, since: counted.last, as_of: rfc3339(instant(version)) },
    ...{ hours: [{ hour: 9, ...counted }], networks: [{ network: "192.0.2.0/24", ...counted }] },
  });
}

test("a profile that was counted by ten minutes is none: its counts are not taken for days", async () => {
  const { feed, view } = viewing();
  expect(await feed([byTenMinutes("dana", NOW)])).toEqual(["not_kept"]);
  expect(view.find(subject("dana"))).toBeUndefined();
});

test("of a newer profile that cannot be read nothing is held, and of the one before it neither; the next one that can be read is", async () => {
  const news = (version: number) => ({ ...wireOf("dana", version, 9), v: 3 });
  const { feed, view, days } = viewing();
  expect(await feed([told("dana", NOW, 3), record(keyOf("dana"), NOW + 1, news(NOW + 1), forger)])).toEqual([
    ...["applied", "signature_invalid"],
  ]);
  expect(days("dana")).toBe(3);
  expect(await feed([record(keyOf("dana"), NOW + 1, news(NOW + 1)), told("dana", NOW, 3)])).toEqual([
    ...["version_unknown", "older"],
  ]);
  expect(view.find(subject("dana"))).toBeUndefined();
  expect(await feed([told("dana", NOW + 2, 4), byTenMinutes("dana", NOW + 3)])).toEqual(["applied", "not_kept"]);
  expect(view.find(subject("dana"))).toBeUndefined();
  await feed([told("dana", NOW + 4, 5)]);
  expect(days("dana")).toBe(5);
});

test("when there are too many, those that were neither told of nor asked for longest are gone", async () => {
  const { feed, view, days } = viewing(2);
  await feed([told("dana", NOW, 1), told("max", NOW, 2)]);
  expect(days("dana")).toBe(1);
  await feed([told("sam", NOW, 3)]);
  expect(view.size).toBe(2);
  expect([days("dana"), days("max"), days("sam")]).toEqual([1, undefined, 3]);
});

test("of many that come at once the last of each account is verified, and what is beyond the bound is not waited for", async () => {
  const { feed, view, days } = viewing(30);
  const names = Array.from({ length: 40 }, (_, n) => `account-${n}`);
  await feed([...names.map((name) => told(name, NOW, 1)), ...names.map((name) => told(name, NOW + 1, 2))], {
    together: true,
  });
  expect(view.size).toBe(0);
  await waitUntil("thirty to be verified", 30_000, () => view.size === 30);
  expect(days("account-39")).toBe(2);
  expect(days("account-0")).toBeUndefined();
});
