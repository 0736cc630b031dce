/**
 * `countersign.v1.RedemptionService`: decision services spend uses here. A caller proves to be a decision service by its client certificate
 * (mTLS), by the service token, or, if both are configured, by both, because an authority may sign for more than decision services. Nobody else
 * reaches the command. Errors that say that nothing was executed are UNAUTHENTICATED, INVALID_ARGUMENT and UNIMPLEMENTED (by the contract also
 * PERMISSION_DENIED, which only an intermediary sends); RESOURCE_EXHAUSTED with `countersign-executed: no` in its trailers for a call too many
 * (without that, an intermediary may have sent it); and CANCELLED for a caller who left before the use was executed, which only the metric sees.
 * After that point there is an outcome, or INTERNAL or DEADLINE_EXCEEDED, which say nothing about the use (the caller denies and never retries).
 * Served on node:http2 like checks: no message is read from an unknown caller (docs/adr/0011-check-on-node-http2.md).
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { status } from "@grpc/grpc-js";
import type { Redeemed, RedemptionClaim, RedemptionRefusal, RedemptionRefused } from "../../../core/domain/grant.ts";
import { isDigest, isId } from "../../../core/domain/id.ts";
import type { ServerTls } from "../../../platform/config/pem-files.ts";
import { isLoopback } from "../../../platform/config/tls-rules.ts";
import type { Failure } from "../../../platform/grpc/http2/failure.ts";
import { startHttp2Server } from "../../../platform/grpc/http2/server.ts";
import type { KeepAlive, Peer, Serving, Terms } from "../../../platform/grpc/terms.ts";
import { utf8Reader } from "../../../platform/grpc/utf8-reader.ts";
import type { Log } from "../../../platform/log/log.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import {
  RedeemRequest,
  RedeemResponse,
  RedemptionServiceService,
  RefusalReason,
} from "../../../proto/gen/countersign/v1/redemption.ts";
import type { Redemption } from "../ports.ts";

const SERVICE = "countersign.v1.RedemptionService";
const MAX_MESSAGE_BYTES = 64 * 1024;
const DRAIN_MS = 5_000;
/** Many times what the database handles at once; a caller who waited longer than an enforcer does has gone, and uses nothing. */
const MAX_IN_FLIGHT = 256;
/** Upper bound; the caller's own deadline counts. */
const DEADLINE_MS = 30_000;

export type RedemptionServerDeps = {
  /** `isGone`: whether nobody waits for the answer any more. `traceparent`: the caller's, if it sends one. */
  readonly redeem: (
    claim: RedemptionClaim,
    isGone: () => boolean,
    traceparent?: string,
  ) => ReturnType<Redemption["redeem"]>;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
};

type RedemptionServerOptions = {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerTls | undefined;
  /** Read at each call, so that a rotated token takes effect. Undefined only together with `clientCa`. */
  readonly serviceToken: () => string | undefined;
  /** How long redemptions in progress may take when the server ends. */
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
  { redeem, log, metrics, monotonicMs }: RedemptionServerDeps,
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

  function refused(code: status, message: string, metadata?: Failure["metadata"]): Failure {
    total.inc({ outcome: `error_${status[code].toLowerCase()}` });
    return { code, message, ...(metadata && { metadata }) };
  }

  function isKnown(peer: Peer): boolean {
    const token = options.serviceToken() ?? "";
    return (byCertificate && token === "") || showsToken(peer, token);
  }

  const unknown = () => refused(status.UNAUTHENTICATED, "show the service token as `authorization: Bearer …`");

  async function answer(message: Buffer, terms: Terms, peer: Peer): Promise<Uint8Array | Failure> {
    const { shed, isGone, traceparent } = terms;
    if (!isKnown(peer)) return unknown();
    if (shed)
      return refused(status.RESOURCE_EXHAUSTED, "too many redemptions at once; this one was not begun", NOT_EXECUTED);
    const request = decoded(message);
    if (request === undefined) return refused(status.INVALID_ARGUMENT, "the message cannot be decoded");
    const claim = claimFrom(request);
    if (typeof claim === "string") return refused(status.INVALID_ARGUMENT, claim);
    await turn(); // NB: the end of a reset call looks like the end of its request; which it was is known a turn later
    try {
      const outcome = isGone() ? { kind: "caller_gone" as const } : await redeem(claim, isGone, traceparent);
      if (outcome.kind === "caller_gone") return refused(status.CANCELLED, "the caller has gone");
      redeemed(claim, outcome.kind === "redeemed" ? "granted" : outcome.reason);
      return RedeemResponse.encode(responseOf(outcome)).finish();
    } catch (error) {
      log.error(
        { event: "redemption_fault", redemptionId: claim.redemptionId, err: error },
        "a redemption ended in a fault",
      );
      return refused(status.INTERNAL, "the redemption ended in a fault; its use may have been counted");
    }
  }

  function redeemed({ redemptionId, grantId }: RedemptionClaim, outcome: "granted" | RedemptionRefusal): void {
    total.inc({ outcome });
    log.info({ event: "redemption", redemptionId, grantId, outcome }, "redemption");
  }

  return startHttp2Server(
    {
      monotonicMs,
      onFault: (error) =>
        log.error({ event: "redemption_call_fault", err: error }, "a call of the redemption server ended in a fault"),
    },
    new Map([
      [
        RedemptionServiceService.redeem.path,
        { kind: "unary", answer, refusal: async (peer) => (isKnown(peer) ? undefined : unknown()) },
      ],
    ]),
    {
      ...{ host: options.host, port: options.port, tls: options.tls, drainMs, keepAlive },
      ...{ service: SERVICE, maxReceiveBytes: MAX_MESSAGE_BYTES, maxInFlight, deadlineMs: DEADLINE_MS },
    },
  );
}

/** Set if it is so: the code alone may come from an intermediary. */
const NOT_EXECUTED = { "countersign-executed": "no" } as const;

/** Compared as hashes, so that the time it takes reveals neither content nor length. */
function showsToken(peer: Peer, token: string): boolean {
  const [shown, ...more] = peer.authorization();
  if (token === "" || shown === undefined || more.length > 0) return false;
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(shown), hash(`Bearer ${token}`));
}

function decoded(message: Buffer): RedeemRequest | undefined {
  try {
    return RedeemRequest.decode(utf8Reader(message));
  } catch {
    return undefined;
  }
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
