/**
 * Days have gone by for one thing of each kind: a row is due, and what sweeps, publishes or removes it finds it the next time that it looks.
 * By SQL, since nobody may say so otherwise.
 */
import { profileId } from "../../../core/messages/profile-record.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./hands.ts";
import { raiseIncident } from "./incidents.ts";

/** An answer that was kept for more than a day. */
export async function ageKey({ system }: Hands): Promise<void> {
  await ask(
    system,
    `insert into idempotency_keys (caller, key, fingerprint, holder, held_until, created_at, answer)
     values ('nobody', $1, 'nothing', $2, clock_timestamp(), clock_timestamp() - interval '25 hours', '{}')`,
    [crypto.randomUUID(), crypto.randomUUID()],
  );
}

/** A record that was dismissed a month ago. */
export async function ageQuarantined({ system }: Hands): Promise<void> {
  await ask(
    system,
    `insert into quarantine (id, topic, partition, record_offset, headers, reason, detail, dismissed_at, dismissed_reason)
     values ($1, 'countersign.denials.v1', 0, 0, '[]', 'malformed', 'of long ago', clock_timestamp() - interval '31 days', 'of no use')`,
    [crypto.randomUUID()],
  );
}

/** One that was delivered, so that nobody waits for it. */
export async function ageNotification({ submit, change }: Hands): Promise<void> {
  await submit();
  await change(
    `update notifications set created_at = clock_timestamp() - interval '31 days'
      where id = (select id from notifications where delivered_at < clock_timestamp() - interval '1 second'
                     and created_at > clock_timestamp() - interval '1 day' order by delivered_at limit 1)`,
  );
}

/** One that has ended leaves the state topic. */
export async function ageGrant({ change }: Hands): Promise<void> {
  await change(
    `update grants set not_before = not_before - interval '3 days', expires_at = clock_timestamp() - interval '1 day'
      where id = (select id from grants where state in ('consumed', 'expired', 'revoked') and published_version = version
                     and tombstoned_at is null and expires_at > clock_timestamp() - interval '1 hour' limit 1)`,
  );
}

/** So does one that was closed. */
export async function ageIncident(hands: Hands): Promise<void> {
  const incident = await raiseIncident(hands);
  const old =
    "update incidents set closed_at = clock_timestamp() - interval '2 days' where id = $1 and state = 'closed'";
  if (incident !== undefined) await hands.change(old, [incident]);
}

/** Somebody is seen for the first time. */
export async function meetAccount({ system }: Hands): Promise<void> {
  await insertSighting(system, await insertProfile(system), "0 days");
}

/** Nothing is left of what was seen of somebody. */
export async function forgetAccount({ system }: Hands): Promise<void> {
  await insertProfile(system);
}

/** Somebody was last seen long ago. */
export async function ageSighting({ system }: Hands): Promise<void> {
  await insertSighting(system, await insertProfile(system), "91 days");
}

async function insertProfile(system: Hands["system"]): Promise<string> {
  const account = { issuer: "https://elsewhere.example", subject: `passer-by-${crypto.randomUUID()}` };
  const id = profileId(account);
  const text = "insert into profiles (id, issuer, subject) values ($1, $2, $3)";
  await ask(system, text, [id, account.issuer, account.subject]);
  return id;
}

async function insertSighting(system: Hands["system"], profile: string, ago: string): Promise<void> {
  await ask(
    system,
    `insert into traits (profile_id, kind, value, days, first_seen, last_seen)
     select $1, kind, value, array[(seen_at at time zone 'UTC')::date], seen_at, seen_at
       from (values ('account', ''), ('hour', '12'), ('network', '192.0.2.0/24')) as seen (kind, value),
            (select clock_timestamp() - $2::interval as seen_at) as clock`,
    [profile, ago],
  );
}
