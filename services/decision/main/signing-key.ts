/**
 * The key that signs this process's records on the stream and its binding tokens. At SIGHUP another key is taken, under another id, and signs
 * everything from then on. NB: readers must know it before (the approval service's `decisionServices.trustedKeys`, `api.publishedKeys` of the
 * others behind one `baseUrl`); what they cannot verify is quarantined there, not lost.
 */
import { readFile } from "node:fs/promises";
import { rotatingSigner } from "../../../core/messages/rotating-keys.ts";
import { createSigner, type PublicJwk, publicJwk, type Signer } from "../../../core/messages/signing.ts";
import { fromFiles } from "../../../platform/lifecycle/cannot-start.ts";
import { type Reload, ReloadRefused } from "../../../platform/lifecycle/reload.ts";
import type { DecisionConfig } from "../config.ts";

export type SigningKey = {
  /** Signs with the key in use at that time. */
  readonly signer: Signer;
  /** The key in use now; later changes do not affect the returned one. */
  current(): Signer;
  /** The public key in use, then the previous ones: records that they signed are still in transit. */
  publicKeys(): readonly PublicJwk[];
  /** Called with another key before anything is signed by it; an exception refuses it, and the previous key stays. */
  onReplaced(take: (next: Signer) => void): void;
};

type Read = { readonly signer: Signer; readonly shown: PublicJwk };

/** @throws CannotStart */
export async function startSigningKey(
  { reload }: { readonly reload: Pick<Reload<Pick<DecisionConfig, "signing">>, "part"> },
  signing: DecisionConfig["signing"],
): Promise<SigningKey> {
  let used = await fromFiles("signing.keyPath", "an Ed25519 private key (PKCS#8, PEM)", () => read(signing));
  let former: readonly PublicJwk[] = [];
  const signer = rotatingSigner(used.signer);
  const takers: ((next: Signer) => void)[] = [];
  reload.part("signing_key", ["signing"], async (now) => {
    const next = await read(now.signing);
    const known = [used.shown, ...former].find(({ kid }) => kid === next.shown.kid);
    if (known !== undefined && known.x !== next.shown.x) {
      throw new ReloadRefused(
        "signing.kid: another key needs another id, or nobody could verify what the one before signed",
      );
    }
    if (known === used.shown) return;
    for (const take of takers) take(next.signer);
    signer.replace(next.signer);
    former = [used.shown, ...former.filter((one) => one !== known)];
    used = next;
  });
  return {
    signer,
    current: () => used.signer,
    publicKeys: () => [used.shown, ...former],
    onReplaced: (take) => void takers.push(take),
  };
}

async function read({ kid, keyPath }: DecisionConfig["signing"]): Promise<Read> {
  const pem = await readFile(keyPath, "utf8");
  return { signer: createSigner(kid, pem), shown: publicJwk(kid, pem) };
}
