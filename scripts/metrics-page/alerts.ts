/**
 * What to alert on, by the full name of a metric: in words, and as PromQL where the words alone lead to an alert that stays silent or cries without
 * reason (a time that is compared with another's, series of several processes, series that are gone); there `X` stands for the metric. An entry for a
 * metric that does not exist fails the generator.
 */
export const ALERTS: ReadonlyMap<string, string> = new Map([
  ["countersign_decision_faults_total", "any increase: a decision ended in an unexpected exception and was denied"],
  ["countersign_decision_worker_up", "0 for a minute: a worker does not stay up, and its core does nothing"],
  ["countersign_decision_decision_seconds", "p99 above the enforcer's timeout: callers are refused"],
  ["countersign_decision_grants_fresh", "0 for a minute: every elevation is answered with 503"],
  ["countersign_decision_decision_log_spool_bytes", "grows for ten minutes: decisions are not shipped"],
  ["countersign_decision_decision_log_appended_total", "any outcome but written: decisions are not on record"],
  ["countersign_decision_denials_total", "outcome unavailable: nobody can request what was denied"],
  ["countersign_decision_redemptions_total", "outcome unavailable or unknown: grants cannot be used, or uses are lost"],
  ["countersign_decision_bundle_trouble", "1 for ten minutes: no new policy arrives, and the last good one decides"],
  [
    "countersign_decision_bundle_unsigned_accepted",
    "1 outside of development: anybody who can change the bundle decides",
  ],
  ["countersign_decision_compat_unsafe", "1 outside of a trial: what the policy denies may pass"],
  ["countersign_decision_bundle_not_kept_total", "any increase: the next start depends on the bundle source"],
  [
    "countersign_decision_shadow_differences_total",
    "any increase while the candidate is to change nothing: look at shadow_difference in the log before it decides",
  ],
  [
    "countersign_decision_shadow_not_compared_total",
    "grows as fast as shadow_compared_total: the candidate is too slow, its thread ends, or (not_identified) tokens are refused",
  ],
  ["countersign_approval_bundle_trouble", "1 for ten minutes: no new policy arrives, and the last good one decides"],
  [
    "countersign_approval_bundle_unsigned_accepted",
    "1 outside of development: anybody who can change the bundle decides",
  ],
  ["countersign_approval_bundle_not_kept_total", "any increase: the next start depends on the bundle source"],
  ["countersign_approval_intake_lost_total", "any increase: retention removed records that nobody read"],
  ["countersign_approval_intake_quarantined_total", "any increase: a record could not be understood or trusted"],
  ["countersign_approval_quarantine_bytes", "grows: somebody writes records that cannot be read"],
  ["countersign_approval_intake_lag_records", "grows for ten minutes: denials cannot be submitted yet"],
  [
    "countersign_approval_backlog_rows",
    "queue quarantine above 0: somebody has to look at it; other queues: growth for ten minutes",
  ],
  [
    "countersign_approval_backlog_oldest_seconds",
    'queue outbox, republish or notifications above 60: a loop stands still; quarantine above a day: nobody looks; no value: the database does not answer. `max by (queue) (X{queue!="quarantine"}) > 60 or absent(X)`',
  ],
  [
    "countersign_approval_leading",
    "sum over all processes of a loop not 1 for a minute: nobody, or two, run it. `sum by (loop) (X) != 1 or absent(X)`",
  ],
  [
    "countersign_approval_state_heartbeat_timestamp_seconds",
    "more than 5 s older than its own scrape in every process: grants are not honoured. `min(timestamp(X) - X) > 5 or absent(X)`; `time() - X` would also grow between two scrapes",
  ],
  [
    "countersign_approval_state_set_back_total",
    "any increase: the database was restored or failed over with a loss; requesters have to ask again",
  ],
  [
    "countersign_approval_state_repaired_total",
    "any increase: somebody else wrote to the state topic, or records were lost",
  ],
  ["countersign_approval_state_unacknowledged_total", "steady increase: brokers do not acknowledge"],
  ["countersign_approval_audit_unacknowledged_total", "steady increase: brokers do not acknowledge"],
  [
    "countersign_approval_audit_oldest_unpublished_seconds",
    "above 60: the record does not reach the SIEM. `max(X) > 60 or absent(X)`",
  ],
  [
    "countersign_approval_events_total",
    "any increase of event loop_failed or sweep_failed: something waits, and the line in the log says for what",
  ],
  [
    "countersign_approval_webhook_tries_total",
    'no outcome delivered among tries for ten minutes: approvers are not told. `sum(increase(X[10m])) > 0 unless sum(increase(X{outcome="delivered"}[10m])) > 0`',
  ],
  ...["decision", "approval"].map(
    (program) =>
      [
        `countersign_${program}_issuer_keys_age_seconds`,
        "above 3600: the issuer's keys cannot be read, and after 24 h its tokens are refused",
      ] as const,
  ),
  ...["decision", "approval"].map(
    (program) => [`countersign_${program}_issuer_keys_usable`, "0: all tokens of the issuer are refused"] as const,
  ),
  ...["decision", "approval", "gateway"].map(
    (program) =>
      [
        `countersign_${program}_certificate_ends_timestamp_seconds`,
        "less than a week ahead: the next certificate is not in place yet (docs/tls.md). `X - time() < 604800`",
      ] as const,
  ),
  ...["decision", "approval", "gateway"].map(
    (program) => [`countersign_${program}_reload_refused`, "1: the new settings or files are not in use"] as const,
  ),
]);
