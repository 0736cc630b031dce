/** Where bundles come from: a folder, a file or a server, behind one interface. */
import type { BundleFiles } from "./bundle-files.ts";

export type SourceFault = "unreachable" | "timeout" | "redirect" | "status" | "unreadable";

export type Look =
  /** `tag` is what the next look is told as `seen`. */
  | { readonly kind: "found"; readonly files: BundleFiles; readonly tag: string | undefined; readonly waits: boolean }
  | { readonly kind: "unchanged"; readonly waits: boolean }
  /** `detail` holds nothing that the source said but a status. */
  | { readonly kind: "failed"; readonly reason: SourceFault; readonly detail: string };

export type BundleSource = {
  /** For logs and the status: without secrets. */
  readonly name: string;
  /**
   * What is there now, unless it is still what `seen` was the tag of. `waits` in the answer: the source itself waited for a change, so that
   * it may be asked again at once. Never rejects.
   */
  look(seen: string | undefined, signal: AbortSignal): Promise<Look>;
};
