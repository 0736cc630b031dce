/**
 * `io.jwt.*` by node:crypto, since built-ins are synchronous. A failed check is `[false, {}, {}]`; a malformed token or
 * constraint is an error. NB: `alg: none` never verifies, an HMAC never takes a public key, and the algorithm of the
 * token must fit the key it is checked with.
 */
import {
  constants,
  createHmac,
  createPublicKey,
  type JsonWebKey,
  type KeyObject,
  timingSafeEqual,
  verify,
  X509Certificate,
} from "node:crypto";
import { type Builtin, BuiltinError, builtinTable, numberArg, objectArg, stringArg, stringsArg } from "../builtin.ts";
import { AppError } from "../../domain/app-error.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { parseDecimal } from "../rego-value/number.ts";
import { parseValue } from "../rego-value/parse.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../rego-value/value.ts";
import { writeJson } from "../rego-value/write.ts";

type Token = {
  readonly header: RegoObject;
  /** The bytes of the payload as text; a nested token when the header says `cty: JWT`. */
  readonly payloadText: string;
  readonly signature: Buffer;
  readonly signed: string;
};

function parseToken(text: string): Token {
  const parts = text.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3) throw new BuiltinError("encoded JWT must have 3 sections");
  return {
    header: jsonObject(head, "header"),
    payloadText: textOfBytes(section(body, "payload")),
    signature: Buffer.from(section(signature, "signature")),
    signed: `${head}.${body}`,
  };
}

/** The token inside a token: bare, or as a JSON string. */
function nestedText(token: Token): string {
  const value = token.payloadText.startsWith('"') ? parseJson(token.payloadText, "payload") : token.payloadText;
  if (typeof value !== "string") throw new BuiltinError("nested JWT is not a string");
  return value;
}

function isNested(token: Token): boolean {
  const type = token.header.get("cty");
  return typeof type === "string" && type.toUpperCase() === "JWT";
}

const MAX_NESTED = 8;

function section(text: string, what: string): Uint8Array {
  if (!/^[A-Za-z0-9_-]*={0,2}$/.test(text)) throw new BuiltinError(`JWT ${what} is not base64url`);
  return Buffer.from(text, "base64url");
}

function jsonObject(text: string, what: string): RegoObject {
  return objectFrom(textOfBytes(section(text, what)), what);
}

function objectFrom(text: string, what: string): RegoObject {
  const value = parseJson(text, what);
  if (!(value instanceof RegoObject)) throw new BuiltinError(`JWT ${what} is not an object`);
  return value;
}

function parseJson(text: string, what: string): RegoValue {
  try {
    return parseValue(text, "json");
  } catch (error) {
    if (error instanceof AppError) throw new BuiltinError(`${what} is not JSON`);
    throw error;
  }
}

type Key = { readonly key: KeyObject; readonly kid: string | undefined; readonly alg: string | undefined };

/** A certificate, a public key (PEM), a JWK or a JWK set. Private keys are not accepted. */
function publicKeys(text: string): readonly Key[] {
  try {
    if (text.includes("BEGIN CERTIFICATE")) return [bare(new X509Certificate(text).publicKey)];
    if (text.includes("BEGIN PUBLIC KEY") || text.includes("BEGIN RSA PUBLIC KEY"))
      return [bare(createPublicKey(text))];
    const value = parseJson(text, "key");
    const set = value instanceof RegoObject ? value.get("keys") : undefined;
    return (isRegoArray(set) ? set : [value]).map(fromJwk);
  } catch (error) {
    throw new BuiltinError("no usable key", { cause: error });
  }
}

function bare(key: KeyObject): Key {
  return { key, kid: undefined, alg: undefined };
}

function fromJwk(value: RegoValue): Key {
  if (!(value instanceof RegoObject)) throw new BuiltinError("key is not an object");
  const jwk: JsonWebKey = JSON.parse(writeJson(value));
  const [kid, alg] = [value.get("kid"), value.get("alg")];
  return {
    key: createPublicKey({ key: jwk, format: "jwk" }),
    kid: typeof kid === "string" ? kid : undefined,
    alg: typeof alg === "string" ? alg : undefined,
  };
}

const CURVE: ReadonlyMap<string, string> = new Map([
  ["ES256", "prime256v1"],
  ["ES384", "secp384r1"],
  ["ES512", "secp521r1"],
]);

function verifies(alg: string, token: Token, key: KeyObject): boolean {
  const data = Buffer.from(token.signed);
  const hash = `sha${alg.slice(2)}`;
  const type = key.asymmetricKeyType;
  try {
    switch (alg) {
      case "RS256":
      case "RS384":
      case "RS512":
        return type === "rsa" && verify(hash, data, key, token.signature);
      case "PS256":
      case "PS384":
      case "PS512":
        return type === "rsa" && verify(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING }, token.signature);
      case "ES256":
      case "ES384":
      case "ES512":
        return (
          type === "ec" &&
          key.asymmetricKeyDetails?.namedCurve === CURVE.get(alg) &&
          verify(hash, data, { key, dsaEncoding: "ieee-p1363" }, token.signature)
        );
      case "EdDSA":
        return type === "ed25519" && verify(null, data, key, token.signature);
      default:
        return false;
    }
  } catch {
    return false;
  }
}

const HMAC = /^HS(256|384|512)$/;

function hmacVerifies(alg: string, token: Token, secret: string): boolean {
  if (!HMAC.test(alg)) return false;
  const expected = createHmac(`sha${alg.slice(2)}`, bytesOfText(secret))
    .update(token.signed)
    .digest();
  return expected.length === token.signature.length && timingSafeEqual(expected, token.signature);
}

function verifier(alg: string): Builtin {
  return (args) => {
    const token = parseToken(stringArg(args, 0));
    if (HMAC.test(alg)) return hmacVerifies(alg, token, stringArg(args, 1));
    return candidates(publicKeys(stringArg(args, 1)), token, alg).some(({ key }) => verifies(alg, token, key));
  };
}

/** An unknown `kid` tries all keys, as OPA does. */
function candidates(keys: readonly Key[], token: Token, alg: string): readonly Key[] {
  const fitting = keys.filter((key) => key.alg === undefined || key.alg === alg);
  const kid = token.header.get("kid");
  const named = fitting.filter((key) => key.kid !== undefined && key.kid === kid);
  return named.length > 0 ? named : fitting;
}

const FAILED: RegoValue = [false, new RegoObject([]), new RegoObject([])];
const CONSTRAINTS = new Set(["cert", "secret", "alg", "iss", "time", "aud"]);

const decodeVerify: Builtin = (args, call) => {
  const constraints = objectArg(args, 1);
  for (const [name] of constraints.entries()) {
    if (typeof name !== "string" || !CONSTRAINTS.has(name)) throw new BuiltinError("unknown constraint");
  }
  const text = (name: string): string | undefined => {
    const value = constraints.get(name);
    return value === undefined ? undefined : stringArg([value], 0);
  };
  const [cert, secret] = [text("cert"), text("secret")];
  if ((cert === undefined) === (secret === undefined)) throw new BuiltinError("give one of cert and secret");
  if (secret === "") throw new BuiltinError("empty secret");
  const time = constraints.get("time");
  const now = time === undefined ? call.nowNs : BigInt(Math.trunc(Number(numberArg([time], 0))));
  const wanted = text("alg");
  let next = stringArg(args, 0);
  for (let depth = 0; depth < MAX_NESTED; depth++) {
    const token = parseToken(next);
    const alg = token.header.get("alg");
    if (typeof alg !== "string" || (wanted !== undefined && wanted !== alg)) return FAILED;
    const signed =
      cert === undefined
        ? hmacVerifies(alg, token, secret ?? "")
        : candidates(publicKeys(cert), token, alg).some(({ key }) => verifies(alg, token, key));
    if (!signed) return FAILED;
    if (!isNested(token)) {
      const payload = objectFrom(token.payloadText, "payload");
      return claimsHold(payload, text("iss"), text("aud"), now) ? [true, token.header, payload] : FAILED;
    }
    next = nestedText(token);
  }
  throw new BuiltinError("JWT is nested too deep");
};

function claimsHold(payload: RegoObject, iss: string | undefined, aud: string | undefined, nowNs: bigint): boolean {
  if (iss !== undefined && payload.get("iss") !== iss) return false;
  const audience = payload.get("aud");
  if (aud === undefined ? audience !== undefined : audience === undefined) return false;
  if (aud !== undefined && audience !== undefined && !stringsArg([audience], 0).includes(aud)) return false;
  const [exp, nbf] = [payload.get("exp"), payload.get("nbf")];
  if (exp !== undefined && nowNs >= nanoseconds(exp) - 1n) return false;
  return nbf === undefined || nowNs >= nanoseconds(nbf);
}

function nanoseconds(value: RegoValue): bigint {
  if (!(value instanceof RegoNumber)) throw new BuiltinError("time claim is not a number");
  const decimal = parseDecimal(value.text);
  if (decimal === undefined || decimal.exponent > 20n || decimal.exponent < -100n) {
    throw new BuiltinError("time claim is out of range");
  }
  const digits = BigInt(decimal.coefficient || "0") * (decimal.negative ? -1n : 1n);
  const shift = decimal.exponent + 9n;
  return shift >= 0n ? digits * 10n ** shift : digits / 10n ** -shift;
}

const FAMILIES = ["HS", "RS", "PS", "ES"].flatMap((family) => ["256", "384", "512"].map((size) => `${family}${size}`));

export const JWT = builtinTable([
  [
    "io.jwt.decode",
    (args) => {
      let token = parseToken(stringArg(args, 0));
      for (let depth = 0; isNested(token); depth++) {
        if (depth === MAX_NESTED) throw new BuiltinError("JWT is nested too deep");
        token = parseToken(nestedText(token));
      }
      return [token.header, objectFrom(token.payloadText, "payload"), token.signature.toString("hex")];
    },
  ],
  ["io.jwt.decode_verify", decodeVerify],
  ["io.jwt.verify_eddsa", verifier("EdDSA")],
  ...FAMILIES.map((alg) => [`io.jwt.verify_${alg.toLowerCase()}`, verifier(alg)] as const),
]);
