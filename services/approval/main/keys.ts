/** The keys of this service's messages: the state relay's signing key, and the trusted keys of others. Read again at a reload. */
import { readFile } from "node:fs/promises";
import { rotatingSigner, rotatingVerifier } from "../../../core/messages/rotating-keys.ts";
import {
  createSigner,
  createVerifier,
  publicPemOf,
  type Signer,
  type Verifier,
} from "../../../core/messages/signing.ts";
import { readPems } from "../../../platform/config/pem-files.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import type { Reload } from "../../../platform/lifecycle/reload.ts";
import type { ApprovalConfig } from "../config.ts";

type Keys = {
  readonly signer: Signer;
  /** Knows this service's own keys, the previous ones included. */
  readonly ownKeys: Verifier;
  readonly decisionServiceKeys: Verifier;
};

/** @throws CannotStart */
export async function startKeys(
  { reload }: { readonly reload: Reload<ApprovalConfig> },
  { signing, decisionServices }: Pick<ApprovalConfig, "signing" | "decisionServices">,
): Promise<Keys> {
  const [signer, privateKey] = await fromFiles("signing.keyPath", "an Ed25519 private key (PKCS#8, PEM)", async () => {
    const pem = await readFile(signing.keyPath, "utf8");
    return [rotatingSigner(createSigner(signing.kid, pem)), pem];
  });
  const ownKeys = await fromFiles("signing.previousKeys", "Ed25519 public keys (PEM)", async () =>
    rotatingVerifier(await ownVerifier(signing, privateKey)),
  );
  const decisionServiceKeys = await fromFiles("decisionServices.trustedKeys", "Ed25519 public keys (PEM)", async () =>
    rotatingVerifier(createVerifier(await readPems(decisionServices.trustedKeys))),
  );
  reload.part("signing_keys", ["signing"], async (now) => {
    const pem = await readFile(now.signing.keyPath, "utf8");
    const [nextSigner, nextOwn] = [createSigner(now.signing.kid, pem), await ownVerifier(now.signing, pem)];
    // NB: together, or the relay could not read what it signs.
    signer.replace(nextSigner);
    ownKeys.replace(nextOwn);
  });
  reload.part("decision_service_keys", ["decisionServices.trustedKeys"], async (now) =>
    decisionServiceKeys.replace(createVerifier(await readPems(now.decisionServices.trustedKeys))),
  );
  return { signer, ownKeys, decisionServiceKeys };
}

async function ownVerifier({ kid, previousKeys }: ApprovalConfig["signing"], privateKey: string): Promise<Verifier> {
  return createVerifier(new Map([...(await readPems(previousKeys)), [kid, publicPemOf(kid, privateKey)]]));
}
