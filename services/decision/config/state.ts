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

export function stateFaults({ trustedKeys }: Static<typeof StateSchema>): readonly ConfigFault[] {
  if (Object.keys(trustedKeys).length > 0) return [];
  return [unsafe("state.trustedKeys", "is empty, so no grant could be trusted; name the relay's key")];
}
