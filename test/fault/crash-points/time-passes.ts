/** Days go by for what has ended: it leaves the tables and the state topic while the services die. */
import { profileId } from "../../../core/messages/profile-record.ts";
import { ask } from "../state-topic.ts";
import type { Hands } from "./ledger.ts";

const GONE_BY = [
  `update grants set not_before = not_before - interval '3 days', expires_at = clock_timestamp() - interval '1 day'
    where id in (select id from grants where state in ('consumed', 'expired', 'revoked') and published_version = version
                    and tombstoned_at is null and expires_at > clock_timestamp() - interval '1 hour' limit 3)`,
  `update incidents set closed_at = clock_timestamp() - interval '2 days'
    where state = 'closed' and published_version = version and closed_at > clock_timestamp() - interval '1 day'`,
  `update quarantine set dismissed_at = clock_timestamp() - interval '31 days'
    where dismissed_at between clock_timestamp() - interval '1 day' and clock_timestamp() - interval '5 seconds'`,
  `update notifications set created_at = clock_timestamp() - interval '31 days'
    where delivered_at < clock_timestamp() - interval '2 seconds' and created_at > clock_timestamp() - interval '1 day'`,
  // A call that died holds its key for half a minute; nobody waits for that here.
  `update idempotency_keys set held_until = clock_timestamp()
    where answer is null and created_at < clock_timestamp() - interval '2 seconds'`,
  // Somebody was last seen long ago.
  `update sightings set last_seen = clock_timestamp() - interval '91 days'
     from profiles where profiles.id = profile_id and version > 0 and subject like 'passer-by-%'`,
  // A profile that was published a moment ago waits for its minute.
  "update profiles set version = version - 60000 where version > 60000 and published_changes < changes",
];

export async function letTimePass({ system, ledger }: Hands): Promise<void> {
  for (const text of GONE_BY) await ask(system, text);
  const spent = "update idempotency_keys set created_at = clock_timestamp() - interval '25 hours' where key = any ($1)";
  await ask(system, spent, [[...ledger.spentKeys]]);
  ledger.spentKeys.clear();
  const account = { issuer: "https://elsewhere.example", subject: `passer-by-${crypto.randomUUID()}` };
  const id = profileId(account);
  await ask(system, "insert into profiles (id, issuer, subject) values ($1, $2, $3)", [
    ...[id, account.issuer, account.subject],
  ]);
  await ask(
    system,
    `insert into sightings (profile_id, hour, network, count, first_seen, last_seen)
     values ($1, 12, '192.0.2.0/24', 1, clock_timestamp(), clock_timestamp())`,
    [id],
  );
}
