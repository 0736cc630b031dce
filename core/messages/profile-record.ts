/**
 * Profiles on `countersign.state.v1`, complete, under `profile/<hash of issuer and subject>`. They are evidence and open nothing, and there may
 * be a million, so they are not in the set that a heartbeat vouches for. The version is the time of publication in milliseconds: it also grows
 * across a restored database, and across a profile that was deleted and began again.
 *
 * Record version 1 counted by ten minutes. NB: another version and not other members, so that nobody takes its counts for days.
 */
import { type Static, Type } from "typebox";
import type { Profile } from "../domain/profile.ts";
import { parseRfc3339, rfc3339 } from "../domain/time.ts";
import { hashParts } from "./hashing.ts";
import { createParser, type Parsed } from "./parse.ts";

const PREFIX = "profile/";

export function isProfileKey(key: string): boolean {
  return key.startsWith(PREFIX);
}

export function profileKey(id: string): string {
  return PREFIX + id;
}

export function profileId({ issuer, subject }: Pick<Profile, "issuer" | "subject">): string {
  return hashParts(["countersign/profile-key/v1", issuer, subject]);
}

/** Major version of the record. */
export const PROFILE_VERSION = 2;

const closed = { additionalProperties: false } as const;
/** Calendar days (UTC) on which it was seen lately, and the first sighting on the last of them. */
const counted = { days: Type.Integer({ minimum: 1 }), last: Type.String() };

const ProfileRecordSchema = Type.Object(
  {
    v: Type.Literal(PROFILE_VERSION),
    issuer: Type.String(),
    subject: Type.String(),
    /** Calendar days (UTC) on which the account was seen lately. */
    days: Type.Integer({ minimum: 1 }),
    since: Type.String(),
    as_of: Type.String(),
    hours: Type.Array(Type.Object({ hour: Type.Integer({ minimum: 0, maximum: 23 }), ...counted }, closed)),
    networks: Type.Array(Type.Object({ network: Type.String(), ...counted }, closed)),
    countries: Type.Array(Type.Object({ country: Type.String(), ...counted }, closed)),
  },
  closed,
);

export type ProfileRecord = Static<typeof ProfileRecordSchema>;

export function profileToWire(profile: Profile): ProfileRecord {
  const { issuer, subject, days, since, asOf, hours, networks, countries } = profile;
  return {
    ...{ v: PROFILE_VERSION, issuer, subject, days, since: rfc3339(since), as_of: rfc3339(asOf) },
    hours: hours.map((one) => ({ hour: one.hour, days: one.days, last: rfc3339(one.last) })),
    networks: networks.map((one) => ({ network: one.network, days: one.days, last: rfc3339(one.last) })),
    countries: countries.map((one) => ({ country: one.country, days: one.days, last: rfc3339(one.last) })),
  };
}

const parseProfile = createParser(ProfileRecordSchema);

/** The record itself: policies get it much as it travels. NB: it has to be of the account and time that were signed as key and version. */
export function readProfile(key: string, version: number, payload: Uint8Array): Parsed<ProfileRecord> {
  const parsed = parseProfile(payload);
  if (parsed.kind === "malformed") return parsed;
  try {
    if (profileKey(profileId(parsed.value)) === key && parseRfc3339(parsed.value.as_of) === version) return parsed;
  } catch {
    // said below
  }
  return { kind: "malformed", detail: "a profile of another account or time than was signed" };
}
