/** The status of a process's bundles: for `/v1/bundle`, `/readyz` and the metrics. Without contents and secrets. */
import { rfc3339, type Instant } from "../../domain/time.ts";
import type { OpenedBundle } from "./open-bundle.ts";

export type ActiveBundle = {
  readonly revision: string;
  readonly bundle: OpenedBundle;
  readonly from: "source" | "kept";
  readonly at: Instant;
  readonly cases: number;
};

export type Trouble = { readonly reason: string; readonly detail: string; readonly at: Instant };

export type KeeperStatus = {
  readonly source: string;
  readonly active: ActiveBundle | undefined;
  /** It is past the end that its signature gives it, and decides nothing. */
  readonly hasEnded: boolean;
  /** When the source last answered with something that could be used, or that it has nothing new. */
  readonly answeredAt: Instant | undefined;
  /** What the source offers now and what is not taken. */
  readonly refused: Trouble | undefined;
  /** Why the source cannot be read now. */
  readonly failing: (Trouble & { readonly times: number }) | undefined;
  /** Why the active one is not on disk, where it should be kept: a restart without the source would decide by an older one. */
  readonly notKept: (Trouble & { readonly times: number }) | undefined;
};

/** As JSON. */
export function describeStatus({
  source,
  active,
  hasEnded,
  answeredAt,
  refused,
  failing,
  notKept,
}: KeeperStatus): object {
  const time = (at: Instant | undefined) => (at === undefined ? null : rfc3339(at));
  const proof = active?.bundle.proof;
  return {
    source,
    active:
      active === undefined
        ? null
        : {
            revision: active.revision,
            from: active.from,
            activated_at: rfc3339(active.at),
            signed: proof !== undefined,
            key_id: proof?.keyId ?? null,
            issued_at: time(proof?.issuedAt),
            valid_until: time(proof?.validUntil),
            ended: hasEnded,
            reason: proof?.reason ?? null,
            self_test_cases: active.cases,
          },
    source_answered_at: time(answeredAt),
    refused: refused === undefined ? null : { ...refused, at: rfc3339(refused.at) },
    failing: failing === undefined ? null : { ...failing, at: rfc3339(failing.at) },
    not_kept: notKept === undefined ? null : { ...notKept, at: rfc3339(notKept.at) },
  };
}
