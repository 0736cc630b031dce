/**
 * Profiles on `countersign.state.v1`, complete, under `profile/<hash of issuer and subject>`. They are evidence and open nothing, and there may
 * be a million, so they are not in the set that a heartbeat vouches for. The version is the time of publication in milliseconds: it also grows
 * across a restored database, and across a profile that was deleted and began again.
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

const closed = { additionalProperties: false } as const;
const counted = { count: Type.Integer({ minimum: 1 }), last: Type.String() };

const ProfileRecordSchema = Type.Object(
  {
    v: Type.Literal(1),
    issuer: Type.String(),
    subject: Type.String(),
    observations: Type.Integer({ minimum: 1 }),
    since: Type.String(),
    as_of: Type.String(),
    hours: Type.Array(Type.Object({ hour: Type.Integer({ minimum: 0, maximum: 23 }), ...counted }, closed)),
    networks: Type.Array(Type.Object({ network: Type.String(), ...counted }, closed)),
    /** Absent where none is known, and in what older services wrote. */
    countries: Type.Optional(Type.Array(Type.Object({ country: Type.String(), ...counted }, closed))),
  },
  closed,
);

export type ProfileRecord = Static<typeof ProfileRecordSchema>;

export function profileToWire(profile: Profile): ProfileRecord {
  const { issuer, subject, observations, since, asOf, hours, networks, countries } = profile;
  return {
    ...{ v: 1, issuer, subject, observations, since: rfc3339(since), as_of: rfc3339(asOf) },
    hours: hours.map(({ hour, count, last }) => ({ hour, count, last: rfc3339(last) })),
    networks: networks.map(({ network, count, last }) => ({ network, count, last: rfc3339(last) })),
    ...(countries.length === 0
      ? {}
      : { countries: countries.map(({ country, count, last }) => ({ country, count, last: rfc3339(last) })) }),
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
