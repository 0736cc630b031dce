/** Tokens of the bench, each another one: in each of the algorithms that most identity providers sign with, and bad ones. */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { claims, honestKey, nowSeconds, token } from "../../integration/decision/lone-decision.ts";

const KEYS = {
  RS256: { ...generateKeyPairSync("rsa", { modulusLength: 2_048 }), hash: "sha256", kid: "rsa" },
  ES256: { ...generateKeyPairSync("ec", { namedCurve: "P-256" }), hash: "sha256", kid: "p256" },
  EdDSA: { ...honestKey, hash: null, kid: "honest" },
};

export const ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** Of the issuer, beside the one that it always has. */
export const FURTHER_KEYS = (["RS256", "ES256"] as const).map((alg) => {
  const { publicKey, kid } = KEYS[alg];
  return { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
});

/** Made long before they are shown. */
const LIFETIME_S = 6 * 3_600;

export function tokenOf(algorithm: Algorithm, jti: string): string {
  const { privateKey, hash, kid } = KEYS[algorithm];
  const by = algorithm === "ES256" ? { key: privateKey, dsaEncoding: "ieee-p1363" as const } : privateKey;
  return token({
    payload: claims({ jti, exp: nowSeconds() + LIFETIME_S }),
    header: { alg: algorithm, kid },
    signature: (input) => sign(hash, Buffer.from(input), by).toString("base64url"),
  });
}

let made = 0;

export function distinct(count: number, make: (jti: string) => string): string[] {
  return Array.from({ length: count }, () => {
    made += 1;
    return make(`bench-${made}`);
  });
}

/** Whose signature is one, but of another key: one that is none, or of zeros, is refused before it has cost a verification. */
const forger = generateKeyPairSync("ed25519").privateKey;

export function badToken(jti: string): string {
  return token({ payload: claims({ jti }), key: forger });
}

/** Verifies the signature of a token, and nothing else of it. */
export function bareVerification(algorithm: Algorithm): () => void {
  const { publicKey, privateKey, hash } = KEYS[algorithm];
  const signed = Buffer.from(tokenOf(algorithm, "bare").replace(/\.[^.]+$/, ""));
  const signature = sign(hash, signed, privateKey);
  return () => {
    if (!verify(hash, signed, publicKey, signature)) throw new Error("its own key does not verify it");
  };
}
