/** Reports what happens to bundles as log lines, metrics and a line of `/readyz`, the same in both services. */
import { type Instant, rfc3339 } from "../../domain/time.ts";
import type { CheckResult } from "../../../platform/http/ops-server.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import type { KeeperEvent } from "./keeper.ts";
import type { KeeperStatus } from "./status.ts";

const TOLD = { active: "policy is active", candidate: "policy is compared with the active one" } as const;

/** Logs and counts each event. `role` tells the candidate's bundles from those that decide. */
export function createBundleEvents({ log, metrics }: { readonly log: Log; readonly metrics: Metrics }) {
  const activations = metrics.counter("bundle_activations_total", "bundles that were activated", ["role"]);
  const refusals = metrics.counter("bundle_refusals_total", "bundles that were refused, by reason", ["role", "reason"]);
  const failures = metrics.counter("bundle_source_failures_total", "failed polls of a source, by reason", [
    "role",
    "reason",
  ]);
  const notKept = metrics.counter("bundle_not_kept_total", "times that a good bundle could not be written to disk", [
    "role",
  ]);

  return (role: "active" | "candidate", event: KeeperEvent): void => {
    switch (event.kind) {
      case "bundle_activated": {
        const { revision, bundle, from, cases } = event.active;
        activations.inc({ role });
        const { keyId, issuedAt, validUntil, reason } = bundle.proof ?? {};
        const time = (at: Instant | undefined) => (at === undefined ? null : rfc3339(at));
        const times = { issuedAt: time(issuedAt), validUntil: time(validUntil) };
        const signature = { keyId: keyId ?? null, ...times, reason: reason ?? null };
        const how = { from, cases, compiled: event.compiled, tookMs: event.tookMs };
        log.info({ event: "bundle_activated", role, revision, ...signature, ...how }, TOLD[role]);
        return;
      }
      case "bundle_refused": {
        const { reason, detail } = event.trouble;
        refusals.inc({ role, reason });
        log.error(
          { event: "bundle_refused", role, from: event.from, reason, detail },
          "a bundle is refused; the last good one stays",
        );
        return;
      }
      case "bundle_source_failed": {
        const { reason, detail } = event.trouble;
        failures.inc({ role, reason });
        log.warn(
          { event: "bundle_source_failed", role, reason, detail, times: event.times },
          "the bundle source cannot be read",
        );
        return;
      }
      case "bundle_source_back":
        log.info({ event: "bundle_source_back", role }, "the bundle source can be read again");
        return;
      case "bundle_not_kept":
        notKept.inc({ role });
        if (event.times > 1) return;
        log.error(
          { event: "bundle_not_kept", role, detail: event.trouble.detail },
          "the last good bundle cannot be written to disk; it is tried again at each poll",
        );
        return;
      case "bundle_kept_at_last":
        log.info({ event: "bundle_kept_at_last", role }, "the last good bundle is on disk again");
        return;
      case "bundle_ended":
        log.error(
          { event: "bundle_ended", role, revision: event.active.revision },
          "the bundle was signed to decide until now; everything is denied until there is another one",
        );
        return;
      default:
        event satisfies never;
    }
  };
}

export function exposeBundle(metrics: Metrics, status: () => KeeperStatus): void {
  metrics.gauge("bundle_info", "1 for the bundle that decides", ["revision", "from", "signed"], (gauge) => {
    gauge.reset();
    const { active } = status();
    if (active === undefined) return;
    const signed = active.bundle.proof === undefined ? "no" : "yes";
    gauge.set({ revision: active.revision, from: active.from, signed }, 1);
  });
  metrics.gauge("bundle_issued_timestamp_seconds", "when the bundle that decides was signed", [], (gauge) => {
    const issuedAt = status().active?.bundle.proof?.issuedAt;
    if (issuedAt !== undefined) gauge.set(issuedAt / 1_000);
  });
  metrics.gauge(
    "bundle_valid_until_timestamp_seconds",
    "when the bundle that decides ends; 0: it does not",
    [],
    (gauge) => {
      gauge.reset();
      const validUntil = status().active?.bundle.proof?.validUntil;
      if (validUntil !== undefined) gauge.set(validUntil / 1_000);
    },
  );
  metrics.gauge("bundle_source_answered_timestamp_seconds", "when the source last answered well", [], (gauge) => {
    const { answeredAt } = status();
    if (answeredAt !== undefined) gauge.set(answeredAt / 1_000);
  });
  metrics.gauge(
    "bundle_trouble",
    "1: the source fails or offers a refused bundle, or the active bundle is not on disk",
    [],
    (gauge) => {
      const { failing, refused, notKept } = status();
      gauge.set(failing === undefined && refused === undefined && notKept === undefined ? 0 : 1);
    },
  );
}

export function bundleHealth({ active, hasEnded, refused, failing, notKept }: KeeperStatus): CheckResult {
  const trouble =
    refused === undefined
      ? failing && `the source cannot be read (${failing.reason}: ${failing.detail})`
      : `what the source holds is refused (${refused.reason}: ${refused.detail})`;
  if (active === undefined) return { status: "failed", detail: trouble ?? "there is no bundle yet" };
  if (hasEnded)
    return { status: "failed", detail: `${active.revision} was signed to decide until a moment that has passed` };
  if (trouble !== undefined) return { status: "degraded", detail: `${active.revision} stays; ${trouble}` };
  if (notKept !== undefined) {
    const { revision } = active;
    return {
      status: "degraded",
      detail: `${revision} is not on disk (${notKept.detail}); a restart may find an older one`,
    };
  }
  return { status: "ok", detail: active.revision };
}
