/**
 * The one call from a decision to the approval service. Never retried: once it may have been sent, only an answer says whether the use was
 * counted. `unavailable` is returned only if it certainly was not executed: no connection, too little time, or a refusal that the contract gives
 * before anything happens. Everything else without an outcome is `unknown`.
 */
import { type ClientOptions, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { RedemptionRefusal } from "../../../core/domain/grant.ts";
import type { ClientTls } from "../../../platform/config/pem-files.ts";
import { createClientCertificates } from "../../../platform/grpc/certificates.ts";
import { keepConnected } from "../../../platform/grpc/keep-connected.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import {
  RedemptionServiceClient,
  RefusalReason,
  type RedeemResponse,
} from "../../../proto/gen/countersign/v1/redemption.ts";
import type { Redeemer, Redemption } from "../ports.ts";

/** Not sent with less time left: an answer could not come in time, and the use would be lost. */
const LEAST_MS = 50;

export type RedeemClientOptions = {
  /** `host:port` */
  readonly address: string;
  /** Absent: plain text, only on one machine; configuration refuses it elsewhere. */
  readonly tls: ClientTls | undefined;
  /** Read at each call, so that a rotated token takes effect. */
  readonly serviceToken: () => string | undefined;
};

const CHANNEL: ClientOptions = {
  // NB: also the library's own "transparent" retries are off; nothing may send a redemption twice.
  "grpc.enable_retries": 0,
  // NB: nor may the environment (`http_proxy`) or DNS (a service config) say which way a redemption goes.
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 3_000,
  "grpc.keepalive_permit_without_calls": 1,
  // A use waits 100 ms for a connection at most; a server that is back should be found within about that.
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 250,
};

const REFUSALS: ReadonlyMap<RefusalReason, RedemptionRefusal> = new Map([
  [RefusalReason.REFUSAL_REASON_SPENT, "spent"],
  [RefusalReason.REFUSAL_REASON_EXPIRED, "expired"],
  [RefusalReason.REFUSAL_REASON_REVOKED, "revoked"],
  [RefusalReason.REFUSAL_REASON_NOT_YET_ACTIVE, "not_yet_active"],
  [RefusalReason.REFUSAL_REASON_OUTSIDE, "outside"],
  [RefusalReason.REFUSAL_REASON_UNKNOWN_GRANT, "unknown_grant"],
  [RefusalReason.REFUSAL_REASON_DUPLICATE, "duplicate"],
]);

/** Given before anything is executed (proto/countersign/v1/redemption.proto). */
const NOT_EXECUTED: readonly status[] = [
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.INVALID_ARGUMENT,
  status.UNIMPLEMENTED,
];

export type RedeemClient = Redeemer &
  Disposable & {
    /** For connections from now on. @throws when they cannot be used; those before stay. */
    replaceCertificates(tls: ClientTls | undefined): void;
  };

export function createRedeemClient(
  {
    metrics,
    onFault,
    wallMs,
    traceparent,
  }: {
    readonly metrics: Metrics;
    readonly onFault: (code: number) => void;
    /** gRPC states deadlines as moments of the wall clock. */
    readonly wallMs: () => number;
    /** Of the redeeming span, if traced. */
    readonly traceparent?: (() => string | undefined) | undefined;
  },
  options: RedeemClientOptions,
): RedeemClient {
  const certificates = createClientCertificates(options.tls);
  const client = new RedemptionServiceClient(options.address, certificates.credentials, CHANNEL);
  const outcomes = metrics.counter("redemptions_total", "uses of limited grants by outcome", ["outcome"]);
  const connection = keepConnected(client);

  /** Waits for a connection only as long as there is time left to use it. */
  function connect(deadlineMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      client.waitForReady(wallMs() + deadlineMs, (error) => resolve(error === undefined || error === null));
    });
  }

  function send(claim: Parameters<Redeemer["redeem"]>[0], deadlineMs: number): Promise<Redemption> {
    const metadata = new Metadata();
    const token = options.serviceToken();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    const span = traceparent?.();
    if (span !== undefined) metadata.set("traceparent", span);
    return new Promise((resolve) => {
      client.redeem(
        { ...claim, actors: [...claim.actors] },
        metadata,
        { deadline: wallMs() + deadlineMs },
        (error, response) => {
          resolve(error === null ? outcomeOf(response) : faultOf(error));
        },
      );
    });
  }

  function faultOf(error: ServiceError): Redemption {
    onFault(error.code);
    // NB: the code alone may come from an intermediary (ENHANCE_YOUR_CALM), which knows nothing about the use.
    const isShed = error.code === status.RESOURCE_EXHAUSTED && error.metadata.get("countersign-executed")[0] === "no";
    return isShed || NOT_EXECUTED.includes(error.code) ? { kind: "unavailable" } : { kind: "unknown" };
  }

  return {
    replaceCertificates: certificates.replace,
    async redeem(claim, deadline) {
      let outcome: Redemption = { kind: "unavailable" };
      if (deadline.leftMs() >= LEAST_MS) {
        const ready = await connect(Math.max(0, deadline.leftMs() - LEAST_MS));
        if (ready && deadline.leftMs() >= LEAST_MS) outcome = await send(claim, deadline.leftMs());
      }
      outcomes.inc({ outcome: outcome.kind === "refused" ? outcome.reason : outcome.kind });
      return outcome;
    },
    [Symbol.dispose]() {
      connection[Symbol.dispose]();
      client.close();
    },
  };
}

/** No outcome at all is a fault of the server; then nothing is known. */
function outcomeOf({ outcome }: RedeemResponse): Redemption {
  if (outcome === undefined) return { kind: "unknown" };
  if (outcome.$case === "granted") return { kind: "granted", uses: outcome.value.uses };
  const reason = REFUSALS.get(outcome.value.reason);
  return reason === undefined ? { kind: "unknown" } : { kind: "refused", reason };
}
