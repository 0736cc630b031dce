/** Signatures that another implementation made (jose, by WebCrypto), and those that look right in another form than JWS has them. */
import { constants, sign, verify } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { CompactSign } from "jose";
import { algorithmNamed } from "./algorithms.ts";
import { ALL_ALGORITHMS, keyFor, keys } from "../../test/samples/tokens.ts";
import { isSignatureOf } from "./signature.ts";

const text = Buffer.from("what is signed");
const known = ALL_ALGORITHMS.flatMap((name) => algorithmNamed(name) ?? []);
const ends = new Map(known.map((algorithm) => [algorithm, keys[keyFor[algorithm]]]));

async function byJose(algorithm: string, key: (typeof keys)["rsa"]["privateKey"]) {
  const jws = await new CompactSign(text).setProtectedHeader({ alg: algorithm }).sign(key);
  const at = jws.lastIndexOf(".");
  return { signed: Buffer.from(jws.slice(0, at)), signature: Buffer.from(jws.slice(at + 1), "base64url") };
}

describe.each([...ends])("%s", (algorithm, { publicKey, privateKey }) => {
  const by = { algorithm, key: publicKey };

  test("is refused when cut, lengthened, changed in one bit, empty, or over another text", async () => {
    const { signed, signature } = await byJose(algorithm, privateKey);
    const changed = Buffer.from(signature);
    changed.writeUInt8((changed.at(-1) ?? 0) ^ 1, changed.length - 1);
    const zero = Buffer.from([0]);
    for (const other of [
      signature.subarray(1),
      signature.subarray(0, -1),
      Buffer.concat([signature, zero]),
      Buffer.concat([zero, signature]),
      changed,
      Buffer.alloc(signature.length),
      Buffer.alloc(0),
    ]) {
      expect(isSignatureOf(by, signed, other)).toBe(false);
    }
    expect(isSignatureOf(by, Buffer.concat([signed, zero]), signature)).toBe(false);
  });

  test("is refused under every other algorithm, and with every other key", async () => {
    const { signed, signature } = await byJose(algorithm, privateKey);
    for (const [other, { publicKey: key }] of ends) {
      if (other === algorithm) continue;
      expect(isSignatureOf({ algorithm: other, key: publicKey }, signed, signature)).toBe(false);
      if (key !== publicKey) expect(isSignatureOf({ algorithm, key }, signed, signature)).toBe(false);
    }
  });

  test("made by jose is believed", async () => {
    const { signed, signature } = await byJose(algorithm, privateKey);
    expect(isSignatureOf(by, signed, signature)).toBe(true);
  });
});

describe.each(["ES256", "ES384", "ES512"] as const)("%s", (algorithm) => {
  const { publicKey: key, privateKey } = keys[keyFor[algorithm]];
  const by = { algorithm, key };
  const raw = { dsaEncoding: "ieee-p1363" } as const;
  const hash = `sha${algorithm === "ES256" ? 256 : algorithm === "ES384" ? 384 : 512}`;
  const byNode = (signature: Uint8Array) => verify(hash, text, { key, ...raw }, signature);

  test("numbers that begin with zeros or with a high bit are believed as Node believes them", () => {
    let short = 0;
    for (let at = 0; at < 4_000 && short < 2; at += 1) {
      const signature = sign(hash, text, { key: privateKey, ...raw });
      if (signature[0] === 0 || signature[signature.length / 2] === 0) short += 1;
      expect(isSignatureOf(by, text, signature)).toBe(true);
    }
    expect(short).toBe(2);
  });

  test("any other two numbers are refused, as Node refuses them", () => {
    const signature = sign(hash, text, { key: privateKey, ...raw });
    const half = signature.length / 2;
    const numbers = [signature.subarray(0, half), signature.subarray(half)];
    for (const byte of [0, 0x7f, 0x80, 0xff]) numbers.push(Buffer.alloc(half, byte));
    numbers.push(Buffer.from([...Buffer.alloc(half - 1), 0x80]));
    for (const r of numbers) {
      for (const s of numbers) {
        const other = Buffer.concat([r, s]);
        if (other.equals(signature)) continue;
        expect(byNode(other)).toBe(false);
        expect(isSignatureOf(by, text, other)).toBe(false);
      }
    }
  });
});

test("an ECDSA signature in DER, as TLS has it, is refused", () => {
  const { publicKey, privateKey } = keys.p256;
  const signature = sign("sha256", text, { key: privateKey, dsaEncoding: "der" });
  expect(isSignatureOf({ algorithm: "ES256", key: publicKey }, text, signature)).toBe(false);
});

test.each([0, 20, 64])(
  "an RSA-PSS signature with a salt of %d bytes is refused where the hash has 32",
  (saltLength) => {
    const { publicKey, privateKey } = keys.rsa;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signature = sign("sha256", text, { key: privateKey, padding, saltLength });
    expect(isSignatureOf({ algorithm: "PS256", key: publicKey }, text, signature)).toBe(false);
  },
);
