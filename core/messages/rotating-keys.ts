/** A signer and a verifier whose keys can be replaced while others hold them: whatever is signed or verified next uses the new ones. */
import type { Signer, Verifier } from "./signing.ts";

type Rotating<T> = T & { replace(next: T): void };

export function rotatingSigner(first: Signer): Rotating<Signer> {
  let now = first;
  return {
    get kid() {
      return now.kid;
    },
    sign: (bytes) => now.sign(bytes),
    replace: (next) => void (now = next),
  };
}

/** NB: what was verified before stays what it is; a key that was withdrawn for cause calls for a restart. */
export function rotatingVerifier(first: Verifier): Rotating<Verifier> {
  let now = first;
  return {
    verify: (kid, bytes, signature) => now.verify(kid, bytes, signature),
    replace: (next) => void (now = next),
  };
}
