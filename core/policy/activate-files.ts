/** Activates the files of one of our own bundles in the host. */
import type { Instant } from "../domain/time.ts";
import { bundleApart } from "./bundle.ts";
import type { BundleFiles } from "./bundles/bundle-files.ts";
import type { Taken } from "./bundles/keeper.ts";
import type { PolicyHost } from "./policy-host.ts";

/** @throws AppError invalid_bundle, unavailable */
export async function activateFiles(
  host: Pick<PolicyHost, "activate">,
  files: BundleFiles,
  validUntil: Instant | undefined,
): Promise<Taken> {
  const bundle = { ...(await bundleApart(files)), validUntil };
  const activation = await host.activate(bundle);
  return activation.kind === "refused" ? activation : { ...activation, cases: bundle.selfTest?.length ?? 0 };
}
