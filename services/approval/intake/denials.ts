/**
 * Reads denials from the decision services: signature, then shape and digests (recomputed from the carried fields), then the record key, then the
 * command. Forged denials, and those whose display and digest disagree, are refused here.
 */
import type { Denial } from "../../../core/domain/denial.ts";
import { readDenial } from "../../../core/messages/denial-record.ts";
import type { Verifier } from "../../../core/messages/signing.ts";
import type { Origin } from "./ports.ts";
import type { ReadRecord } from "./quarantine.ts";
import { readSigned, refused } from "./signed-record.ts";

/** The command; commits the effect and settles the origin, or refuses and does neither. */
type AcceptDenial = (command: {
  readonly denial: Denial;
  readonly origin: Origin;
}) => Promise<{ readonly kind: "accepted" } | { readonly kind: "refused"; readonly reason: string }>;

/** `verifier` knows the decision services' keys. */
export function createDenialReader(
  { verifier, accept }: { readonly verifier: Verifier; readonly accept: AcceptDenial },
  { deployment }: { readonly deployment: string },
): ReadRecord {
  return async (record, origin) => {
    const read = readSigned(record, readDenial, { verifier, deployment });
    if (read.kind === "refused") return read;
    const { key, value: denial } = read;
    if (denial.key !== key) return refused("malformed", "the record key is not the denial key");
    const outcome = await accept({ denial, origin });
    return outcome.kind === "refused" ? refused(outcome.reason, "command") : { kind: "taken" };
  };
}
