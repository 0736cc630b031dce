/**
 * Writes the active bundle to disk, trying again until it is there: otherwise a restart without the source would decide by an older one, and take
 * that for the newest.
 */
import type { Instant } from "../../domain/time.ts";
import type { KeptBundle } from "./kept-bundle.ts";
import type { OpenedBundle } from "./open-bundle.ts";
import type { KeeperStatus, Trouble } from "./status.ts";

export type KeptEvent =
  /** At each try. */
  | { readonly kind: "bundle_not_kept"; readonly trouble: Trouble; readonly times: number }
  | { readonly kind: "bundle_kept_at_last" };

type KeepDeps = {
  /** Undefined: nothing is kept. */
  readonly kept: KeptBundle | undefined;
  readonly now: () => Instant;
  readonly onEvent: (event: KeptEvent) => void;
};

export function createKeeping({ kept, now, onEvent }: KeepDeps) {
  let wanted: OpenedBundle | undefined;
  let notKept: KeeperStatus["notKept"];
  return {
    /** This one from now on, at the next try. */
    want(bundle: OpenedBundle): void {
      wanted = bundle;
    },
    /** Does nothing when it is there. Never rejects. */
    async tryNow(): Promise<void> {
      if (wanted === undefined || kept === undefined) return;
      const detail = await kept.write(wanted.files);
      if (detail === undefined) {
        wanted = undefined;
        if (notKept !== undefined) onEvent({ kind: "bundle_kept_at_last" });
        notKept = undefined;
        return;
      }
      notKept = { reason: "not_kept", detail, at: notKept?.at ?? now(), times: (notKept?.times ?? 0) + 1 };
      onEvent({ kind: "bundle_not_kept", trouble: notKept, times: notKept.times });
    },
    notKept: () => notKept,
  };
}
