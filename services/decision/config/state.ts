/** Section `state`: the topic that grants and incidents come from. */
import { type Static, Type } from "typebox";
import type { ConfigFault } from "../../../platform/config/fault.ts";
import { unsafe } from "../../../platform/config/fault.ts";
import { FilesById } from "../../../platform/config/files.ts";
import { closed } from "../../../platform/config/fields.ts";

export const StateSchema = Type.Object(
  {
    trustedKeys: FilesById("Key id → path of the public key of each state relay.", { default: {} }),
    readyWithinMs: Type.Integer({
      minimum: 0,
      maximum: 60_000,
      default: 10_000,
      description:
        "Ready after this time even if the state topic has not been read to its end; grants do not count until it has.",
    }),
  },
  closed,
);

/** `ownKid`: of the key that this service signs with. */
export function stateFaults({ trustedKeys }: Static<typeof StateSchema>, ownKid: string): readonly ConfigFault[] {
  // NB: or whoever has a key of decisions could sign grants.
  if (Object.hasOwn(trustedKeys, ownKid)) {
    const problem =
      "names signing.kid, this service's own key; give each service a key of its own, with an id of its own";
    return [unsafe("state.trustedKeys", problem)];
  }
  if (Object.keys(trustedKeys).length > 0) return [];
  return [unsafe("state.trustedKeys", "is empty, so no grant could be trusted; name the relay's key")];
}
