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
