/**
 * Whether a bundle may be used at all, before anything in it is examined: signed by a trusted key for our scope, not signed in the future, not
 * expired, and not older than the newest one ever accepted here. Without that last rule, whoever can answer in place of the bundle server could
 * bring back last year's policy, signature included.
 */
import { type DurationMs, durationMs, type Instant, plus, rfc3339 } from "../../domain/time.ts";
import type { BundleFiles } from "./bundle-files.ts";
import { type Proof, SIGNATURES_FILE, verifySignature } from "./signature.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

export type BundleTrust = {
  readonly keys: TrustedKeys;
  /** What the signature has to be for; empty: for no scope. */
  readonly scope: string;
  /** `accepted`: a bundle without a signature passes; one that has a signature still has to be right when keys are known. */
  readonly unsigned: "refused" | "accepted";
};

/** A bundle that may be used, as far as signature and time go. */
export type OpenedBundle = {
  readonly files: BundleFiles;
  readonly fingerprint: string;
  /** Undefined: it is not signed, and need not be. */
  readonly proof: (Proof & { readonly issuedAt: Instant }) | undefined;
};

type OpenRefusal =
  | "unsigned"
  | "bad_signature"
  | "wrong_scope"
  | "undated"
  | "issued_in_future"
  | "expired"
  | "replayed";

/** Refusals that another time of day may take back, ours being wrong. */
export const UNTIMELY: ReadonlySet<string> = new Set<OpenRefusal>(["issued_in_future", "expired"]);

type Opened =
  | { readonly kind: "opened"; readonly bundle: OpenedBundle }
  | { readonly kind: "refused"; readonly reason: OpenRefusal; readonly detail: string };

/** Clocks of signers may be ahead by this much; a bundle from the far future would keep out all that come after it. */
const AHEAD_MS: DurationMs = durationMs(5 * 60_000);

/**
 * `newest`: the newest one that was accepted so far. `kept`: it comes from our own disk, where it was accepted before, so that it may have
 * expired meanwhile, or our clock may stand before its signature; what it may still decide is for the one that evaluates (policy-host.ts).
 * @throws AppError unavailable when it could not be looked at
 */
export async function openBundle(
  files: BundleFiles,
  trust: BundleTrust,
  {
    fingerprint,
    now,
    newest,
    kept,
  }: {
    readonly fingerprint: string;
    readonly now: Instant;
    readonly newest: OpenedBundle | undefined;
    readonly kept: boolean;
  },
): Promise<Opened> {
  const needsNone = trust.unsigned === "accepted" && (trust.keys.size === 0 || !files.has(SIGNATURES_FILE));
  if (needsNone) return { kind: "opened", bundle: { files, fingerprint, proof: undefined } };
  const verified = await verifySignature(files, trust);
  if (verified.kind === "refused") return verified;
  const { proof } = verified;
  const { issuedAt, expiresAt, validUntil } = proof;
  if (issuedAt === undefined) {
    return refused(
      "undated",
      "its signature does not say when it was made (claim iat), so an older one could not be told from it",
    );
  }
  if (issuedAt > plus(now, AHEAD_MS) && !kept)
    return refused("issued_in_future", `it is signed at ${rfc3339(issuedAt)}`);
  if (expiresAt !== undefined && expiresAt <= now && !kept) {
    return refused("expired", `it was to be activated until ${rfc3339(expiresAt)}`);
  }
  // NB: one from our own disk is taken all the same: it decides nothing, and still says what is older than it.
  if (validUntil !== undefined && validUntil <= now && !kept) {
    return refused("expired", `it was to decide until ${rfc3339(validUntil)}`);
  }
  const known = newest?.proof?.issuedAt;
  if (known !== undefined && (issuedAt < known || (issuedAt === known && fingerprint !== newest?.fingerprint))) {
    return refused(
      "replayed",
      `it is signed at ${rfc3339(issuedAt)}, not after the newest one (${rfc3339(known)}); sign it anew`,
    );
  }
  return { kind: "opened", bundle: { files, fingerprint, proof: { ...proof, issuedAt } } };
}

function refused(reason: OpenRefusal, detail: string): Opened {
  return { kind: "refused", reason, detail };
}

/** Whether both count as long and are as old: what later bundles are held against. */
export function isSameProof(one: OpenedBundle | undefined, other: OpenedBundle): boolean {
  return one?.proof?.issuedAt === other.proof?.issuedAt && one?.proof?.validUntil === other.proof?.validUntil;
}
