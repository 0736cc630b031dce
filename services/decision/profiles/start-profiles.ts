/** Constructs the view of profiles if they are switched on. They are personal data, so no service has them by default. */
import type { Verifier } from "../../../core/messages/signing.ts";
import type { ContextConfig } from "../../../core/policy/context-config.ts";
import type { Metrics } from "../../../platform/metrics/metrics.ts";
import { createProfileView, type ProfileView } from "./profile-view.ts";

export function startProfiles(
  { verifier, metrics }: { readonly verifier: Verifier; readonly metrics: Metrics },
  { enabled, deployment, maxSubjects }: ContextConfig["profiles"] & { readonly deployment: string },
): ProfileView | undefined {
  if (!enabled) return undefined;
  const view = createProfileView({ verifier }, { deployment, maxSubjects });
  metrics.gauge("profiles_known", "Accounts whose profile is in memory", [], (gauge) => gauge.set(view.size));
  return view;
}
