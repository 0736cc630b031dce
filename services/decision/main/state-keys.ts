/** The keys of state relays. At SIGHUP they are read again; neither then nor when this service gets another key may one of them be its own. */
import { rotatingVerifier } from "../../../core/messages/rotating-keys.ts";
import { createVerifierOfOthers, type Verifier } from "../../../core/messages/signing.ts";
import { readPems } from "../../../platform/config/pem-files.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import type { Reload } from "../../../platform/lifecycle/reload.ts";
import type { DecisionConfig } from "../config.ts";
import type { SigningKey } from "./signing-key.ts";

type Deps = {
  readonly reload: Pick<Reload<Pick<DecisionConfig, "state">>, "part">;
  readonly signingKey: Pick<SigningKey, "signer" | "onReplaced">;
};

/** @throws CannotStart */
export async function startStateKeys(
  { reload, signingKey }: Deps,
  { trustedKeys }: Pick<DecisionConfig["state"], "trustedKeys">,
): Promise<Verifier> {
  let pems: ReadonlyMap<string, string> = new Map();
  const verifier = await fromFiles("state.trustedKeys", "Ed25519 public keys (PEM)", async () => {
    pems = await readPems(trustedKeys);
    return rotatingVerifier(createVerifierOfOthers(pems, signingKey.signer));
  });
  signingKey.onReplaced((next) => void createVerifierOfOthers(pems, next));
  reload.part("state_keys", ["state.trustedKeys"], async ({ state }) => {
    const read = await readPems(state.trustedKeys);
    verifier.replace(createVerifierOfOthers(read, signingKey.signer));
    pems = read;
  });
  return verifier;
}
