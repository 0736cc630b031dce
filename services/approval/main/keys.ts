/** The keys of this service's messages: the state relay's signing key, and the trusted keys of others. Read again at a reload. */
import { readFile } from "node:fs/promises";
import { rotatingSigner, rotatingVerifier } from "../../../core/messages/rotating-keys.ts";
import { AppError } from "../../../core/domain/app-error.ts";
import {
  createSigner,
  createVerifier,
  createVerifierOfOthers,
  publicJwk,
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

type Configured = Pick<ApprovalConfig, "signing" | "decisionServices">;

/** @throws CannotStart */
export async function startKeys(
  { reload }: { readonly reload: Pick<Reload<Configured>, "part"> },
  { signing, decisionServices }: Configured,
): Promise<Keys> {
  const [signer, privateKey] = await fromFiles("signing.keyPath", "an Ed25519 private key (PKCS#8, PEM)", async () => {
    const pem = await readFile(signing.keyPath, "utf8");
    return [rotatingSigner(createSigner(signing.kid, pem)), pem];
  });
  const ownKeys = await fromFiles("signing.previousKeys", "Ed25519 public keys (PEM)", async () =>
    rotatingVerifier(await ownVerifier(signing, privateKey)),
  );
  const decisionServiceKeys = await fromFiles("decisionServices.trustedKeys", "Ed25519 public keys (PEM)", async () =>
    rotatingVerifier(createVerifierOfOthers(await readPems(decisionServices.trustedKeys), signer)),
  );
  reload.part("signing_keys", ["signing"], async (now) => {
    const pem = await readFile(now.signing.keyPath, "utf8");
    const [nextSigner, nextOwn] = [createSigner(now.signing.kid, pem), await ownVerifier(now.signing, pem)];
    // NB: refused where decisions are taken from whoever has it.
    createVerifierOfOthers(await readPems(now.decisionServices.trustedKeys), nextSigner);
    // NB: together, or the relay could not read what it signs.
    signer.replace(nextSigner);
    ownKeys.replace(nextOwn);
  });
  reload.part("decision_service_keys", ["decisionServices.trustedKeys"], async (now) =>
    decisionServiceKeys.replace(createVerifierOfOthers(await readPems(now.decisionServices.trustedKeys), signer)),
  );
  return { signer, ownKeys, decisionServiceKeys };
}

async function ownVerifier({ kid, previousKeys }: ApprovalConfig["signing"], privateKey: string): Promise<Verifier> {
  const previous = await readPems(previousKeys);
  const announced = previous.get(kid);
  if (announced !== undefined && publicJwk(kid, announced).x !== publicJwk(kid, privateKey).x) {
    throw new AppError(
      "invalid_configuration",
      `key ${kid} is another than that of signing.keyPath, which needs its own id`,
    );
  }
  return createVerifier(new Map([...previous, [kid, publicPemOf(kid, privateKey)]]));
}
