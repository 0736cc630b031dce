/** The interface with nothing behind its routes, the Access Request profile included, for generating its description. */
import { AppError } from "../../../core/domain/app-error.ts";
import { createLog } from "../../../platform/log/log.ts";
import { createMetrics } from "../../../platform/metrics/metrics.ts";
import type { Rest } from "./rest.ts";
import { createRest, type RestDeps } from "./server.ts";

const absent = () => Promise.reject(new AppError("internal", "only the document is made here"));

const NO_TLS = { tls: undefined, limits: { reads: { burst: 1, perMinute: 1 }, writes: { burst: 1, perMinute: 1 } } };

/** Whatever is asked behind the routes is a fault, and whoever calls is nobody. */
export const absentDeps = (): RestDeps => ({
  identify: () => ({ kind: "anonymous" }),
  people: { resolve: absent },
  isSecurity: () => false,
  submit: absent,
  review: absent,
  cancel: absent,
  revoke: absent,
  openIncident: absent,
  closeIncident: absent,
  dismiss: absent,
  replay: absent,
  reads: {
    ...{ now: absent, denial: absent, request: absent, grant: absent, grantOfRequest: absent },
    ...{ isActedOn: absent, quarantined: absent, incident: absent },
  },
  listings: {
    ...{ requests: absent, grants: absent, denials: absent, audit: absent, quarantine: absent, incidents: absent },
  },
  log: createLog({ name: "openapi", level: "silent" }),
  metrics: createMetrics({ prefix: "openapi_" }),
  idempotencyKeys: { hold: absent, keep: absent, release: absent },
  // Offered where they are configured; the document describes them always.
  accessRequests: {
    endpoint: "https://approvals.example/access/v1/requests",
    tokens: { read: () => ({ kind: "refused", reason: "invalid" }) },
  },
  newRequestId: () => "",
  monotonicMs: () => 0,
});

export async function describedRest(): Promise<Rest> {
  const rest = await createRest(absentDeps(), NO_TLS);
  await rest.ready();
  return rest;
}
