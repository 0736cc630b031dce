import { AppError } from "../../domain/app-error.ts";

/** Why a bundle is not put to use, as logs, metrics and the status have it. docs/bundles.md says of each what to do, held by a test. */
export const REFUSALS = [
  // Nobody who may has signed it, or not now: open-bundle.ts.
  "unsigned",
  "bad_signature",
  "wrong_scope",
  "undated",
  "replayed",
  "expired",
  "issued_in_future",
  // It cannot be used: policy-host.ts and its like in compatibility mode.
  "invalid_bundle",
  "invalid_module",
  "missing_builtin",
  "missing_entrypoint",
  "self_test_failed",
  "warm_up_failed",
  // Not the bundle's own fault: it is tried again at the next look.
  "not_tried",
  // Of a candidate alone.
  "thread_ended",
] as const;

export type RefusalReason = (typeof REFUSALS)[number];

/** What a throw is, at any step: `invalid_bundle` where it says so of the bundle, and every other one of the moment. */
export function refusalOf(error: unknown): {
  readonly kind: "refused";
  readonly reason: "invalid_bundle" | "not_tried";
  readonly detail: string;
} {
  const detail = error instanceof AppError ? error.detail : "it cannot be used";
  const isItsOwn = error instanceof AppError && error.code !== "unavailable";
  return { kind: "refused", reason: isItsOwn ? "invalid_bundle" : "not_tried", detail };
}
