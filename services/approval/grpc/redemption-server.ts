/**
 * `countersign.v1.RedemptionService`: decision services spend uses here. Whoever calls is a decision service by its client
 * certificate (mTLS), by the service token, or where both are set by both: an authority may serve more than decision
 * services. Nobody else gets as far as the command. Errors that are given before anything is executed are exactly UNAUTHENTICATED,
 * INVALID_ARGUMENT and UNIMPLEMENTED, RESOURCE_EXHAUSTED with `countersign-executed: no` in its trailers for one call too many (without that
 * it may be of somebody on the way), and CANCELLED for a caller that has gone before its use was asked for, of which only the metric tells.
 * After that point there is an outcome, or INTERNAL, which says nothing about the use (the caller denies and never retries).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { Metadata, type sendUnaryData, type ServerUnaryCall, status } from "@grpc/grpc-js";
import type { Redeemed, RedemptionClaim, RedemptionRefusal, RedemptionRefused } from "../../../core/domain/grant.ts";
import { isDigest, isId } from "../../../core/domain/id.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { isLoopback } from "../../../platform/config/tls-rules.ts";
import type { KeepAlive, Serving, Terms } from "../../../platform/grpc/terms.ts";
import { createUnaryServer } from "../../../platform/grpc/unary-server.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import {
  RedemptionServiceService,
  type RedeemRequest,
  type RedeemResponse,
  RefusalReason,
} from "../../../proto/gen/countersign/v1/redemption.ts";
import type { Redemption } from "../ports.ts";

const SERVICE = "countersign.v1.RedemptionService";
const MAX_MESSAGE_BYTES = 64 * 1024;
const DRAIN_MS = 5_000;
/** Many times what the database takes at once; who waits longer than an enforcer does has gone by then, and uses nothing. */
const MAX_IN_FLIGHT = 256;
/** The caller's own deadline is what counts. */
const DEADLINE_MS = 30_000;

export type RedemptionServerDeps = {
  /** `isGone`: whether nobody waits for the answer any more. `traceparent`: of whoever calls, if they name one. */
  readonly redeem: (
    claim: RedemptionClaim,
    isGone: () => boolean,
    traceparent?: string,
  ) => ReturnType<Redemption["redeem"]>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly wallMs: () => number;
};

type RedemptionServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  /** Asked for at each call, so that a rotated token is taken up. Undefined only together with `clientCa`. */
  readonly serviceToken: () => string | undefined;
  /** How long redemptions under way may take when the server ends. */
  readonly drainMs?: number;
  readonly maxInFlight?: number;
  readonly keepAlive?: KeepAlive;
};

export type RedemptionServer = Serving;

const REASONS: { readonly [reason in RedemptionRefusal]: RefusalReason } = {
  spent: RefusalReason.REFUSAL_REASON_SPENT,
  expired: RefusalReason.REFUSAL_REASON_EXPIRED,
  revoked: RefusalReason.REFUSAL_REASON_REVOKED,
  not_yet_active: RefusalReason.REFUSAL_REASON_NOT_YET_ACTIVE,
  outside: RefusalReason.REFUSAL_REASON_OUTSIDE,
  unknown_grant: RefusalReason.REFUSAL_REASON_UNKNOWN_GRANT,
  duplicate: RefusalReason.REFUSAL_REASON_DUPLICATE,
};

/**
 * @throws when neither a client certificate nor a token would be asked for: then anybody could spend grants. Nor does a
 * token travel in plain text beyond this machine: without TLS only a loopback address is taken.
 */
export async function startRedemptionServer(
  { redeem, log, metrics, wallMs }: RedemptionServerDeps,
  options: RedemptionServerOptions,
): Promise<RedemptionServer> {
  const byCertificate = options.tls?.clientCa !== undefined;
  if (!byCertificate && (options.serviceToken() ?? "") === "") {
    throw new Error("redemption: set a client CA or a service token; without either anybody could spend grants");
  }
  if (options.tls === undefined && !isLoopback(options.host)) {
    throw new Error("redemption: without TLS the host has to be a loopback address; the service token is a secret");
  }
  const total = metrics.counter("redemptions_total", "redemptions by outcome", ["outcome"]);
  const { maxInFlight = MAX_IN_FLIGHT, drainMs = DRAIN_MS, keepAlive } = options;
  const { server, take, listen } = createUnaryServer(
    { wallMs },
    { service: SERVICE, maxReceiveBytes: MAX_MESSAGE_BYTES, maxInFlight, deadlineMs: DEADLINE_MS, keepAlive },
  );

  server.addService(RedemptionServiceService, {
    redeem(call: ServerUnaryCall<RedeemRequest, RedeemResponse>, done: sendUnaryData<RedeemResponse>) {
      void take(call, (terms) => answer(call, terms, done));
    },
  });

  async function answer(
    call: ServerUnaryCall<RedeemRequest, RedeemResponse>,
    { shed, isGone, traceparent }: Terms,
    done: sendUnaryData<RedeemResponse>,
  ) {
    const refuse = (code: status, details: string, metadata = new Metadata()) => {
      total.inc({ outcome: `error_${status[code].toLowerCase()}` });
      done({ code, details, metadata });
    };
    const token = options.serviceToken() ?? "";
    if (!(byCertificate && token === "") && !showsToken(call.metadata, token)) {
      refuse(status.UNAUTHENTICATED, "show the service token as `authorization: Bearer …`");
      return;
    }
    if (shed) {
      refuse(status.RESOURCE_EXHAUSTED, "too many redemptions at once; this one was not begun", notExecuted());
      return;
    }
    const claim = claimFrom(call.request);
    if (typeof claim === "string") {
      refuse(status.INVALID_ARGUMENT, claim);
      return;
    }
    await turn(); // NB: the end of a call that was reset looks like the end of its request; what it was is known a turn later
    try {
      const outcome = isGone() ? { kind: "caller_gone" as const } : await redeem(claim, isGone, traceparent);
      if (outcome.kind === "caller_gone") {
        refuse(status.CANCELLED, "the caller has gone");
        return;
      }
      redeemed(claim, outcome.kind === "redeemed" ? "granted" : outcome.reason);
      done(null, responseOf(outcome));
    } catch (error) {
      log.error(
        { event: "redemption_fault", redemptionId: claim.redemptionId, err: error },
        "a redemption ended in a fault",
      );
      refuse(status.INTERNAL, "the redemption ended in a fault; its use may have been counted");
    }
  }

  function redeemed({ redemptionId, grantId }: RedemptionClaim, outcome: "granted" | RedemptionRefusal): void {
    total.inc({ outcome });
    log.info({ event: "redemption", redemptionId, grantId, outcome }, "redemption");
  }

  return listen({ host: options.host, port: options.port, tls: options.tls, drainMs });
}

function notExecuted(): Metadata {
  const trailers = new Metadata();
  trailers.set("countersign-executed", "no");
  return trailers;
}

/** Compared as hashes, so that neither content nor length shows in the time it takes. */
function showsToken(metadata: Metadata, token: string): boolean {
  const [shown, ...more] = metadata.get("authorization");
  if (token === "" || typeof shown !== "string" || more.length > 0) return false;
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(shown), hash(`Bearer ${token}`));
}

/** The claim, or what is wrong with the request. */
function claimFrom(request: RedeemRequest): RedemptionClaim | string {
  const { redemptionId, grantId, issuer, subject, actors, entitlement, scope, digest } = request;
  if (!isId("decision", redemptionId)) return "redemption_id is not a UUID in lower case";
  if (!isId("grant", grantId)) return "grant_id is not a UUID in lower case";
  if (digest !== undefined && !isDigest(digest)) return "digest is not a SHA-256 in lower-case hexadecimal";
  for (const [name, text] of Object.entries({ issuer, subject, entitlement, scope })) {
    if (text === "" || text.includes("\0")) return `${name} is empty or holds U+0000`;
  }
  if (actors.some(({ issuer: by, id }) => [by, id].some((text) => text === "" || text.includes("\0"))))
    return "an issuer or id in actors is empty or holds U+0000";
  return { redemptionId, grantId, issuer, subject, actors, entitlement, scope, digest };
}

function responseOf(outcome: Redeemed | RedemptionRefused): RedeemResponse {
  if (outcome.kind === "refused") {
    return { outcome: { $case: "refused", value: { reason: REASONS[outcome.reason] } } };
  }
  const { id, uses, maxUses, expiresAt } = outcome.grant;
  const limit = maxUses === "unlimited" ? undefined : maxUses;
  return {
    outcome: { $case: "granted", value: { grantId: id, uses, maxUses: limit, expiresAt: new Date(expiresAt) } },
  };
}
