/**
 * `io.jwt.decode_verify`: signature and claims at once. A failed check is `[false, {}, {}]`; a malformed token or
 * constraint is an error. Times are compared as OPA does it: the clock as a double in seconds against the claim's own
 * digits, so one nanosecond before `exp` may count as expired.
 */
import {
  type Builtin,
  type BuiltinCall,
  BuiltinError,
  BuiltinLimit,
  numberArg,
  objectArg,
  stringArg,
} from "../../builtin.ts";
import { bytesOfText } from "../../rego-value/bytes.ts";
import { compareNumberText } from "../../rego-value/number.ts";
import { isRegoArray, RegoNumber, RegoObject, type RegoValue } from "../../rego-value/value.ts";
import { type Key, verificationKeys } from "./keys.ts";
import { verifies, verifiesByAny } from "./signature.ts";
import { type Header, jsonObject, parseToken, readHeader, section, sectionText, type Token } from "./token.ts";

const FAILED: RegoValue = [false, new RegoObject([]), new RegoObject([])];
const CONSTRAINTS = new Set(["cert", "secret", "alg", "iss", "time", "aud"]);
const MAX_NESTED = 8;
/** In fuel: to read a certificate, a key or a set of them, and to verify by it. */
const PER_PUBLIC_KEY = 550_000;

type Constraints = {
  readonly keys: readonly Key[];
  readonly alg: string;
  readonly iss: string;
  readonly aud: string;
  /** Seconds, as number text. */
  readonly seconds: string;
};

export const decodeVerify: Builtin = (args, call) => {
  if (objectArg(args, 1).get("cert") !== undefined) call.pay(PER_PUBLIC_KEY);
  const constraints = readConstraints(objectArg(args, 1), call);
  let text = stringArg(args, 0);
  for (let depth = 0; depth < MAX_NESTED; depth++) {
    if (depth > 0) call.pay(PER_PUBLIC_KEY);
    const token = parseToken(text);
    const header = readHeader(token.header);
    if (!header.isValid || (constraints.alg !== "" && constraints.alg !== header.alg)) return FAILED;
    if (!isSigned(token, header, constraints.keys, call)) return FAILED;
    text = sectionText(token.payload, "payload");
    if (header.cty.toUpperCase() === "JWT") continue;
    const payload = jsonObject(text, "payload");
    return claimsHold(payload, constraints) ? [true, token.header, payload] : FAILED;
  }
  throw new BuiltinLimit("JWT is nested too deep");
};

function readConstraints(given: RegoObject, { nowNs, pay }: BuiltinCall): Constraints {
  for (const [name] of given.entries()) {
    if (typeof name !== "string" || !CONSTRAINTS.has(name))
      throw new BuiltinError("unknown token validation constraint");
  }
  const text = (name: string): string => stringArg([given.get(name) ?? ""], 0);
  const secret = text("secret");
  const cert = given.get("cert");
  if ((cert === undefined) === (secret === "")) throw new BuiltinError("exactly one of cert and secret is needed");
  const time = given.get("time");
  const nanoseconds = Number(time === undefined ? nowNs : numberArg([time], 0));
  if (!(nanoseconds >= 0 && Number.isFinite(nanoseconds)))
    throw new BuiltinError("token time constraint is out of range");
  return {
    keys:
      cert === undefined
        ? [{ material: { kind: "secret", bytes: bytesOfText(secret) }, kid: "", alg: "" }]
        : verificationKeys(stringArg([cert], 0), pay),
    alg: text("alg"),
    iss: text("iss"),
    aud: text("aud"),
    seconds: String(nanoseconds / 1e9),
  };
}

/** A key of the token's own `kid` is the only one tried; without one every key is, except those of another algorithm. */
function isSigned(token: Token, { alg, kid }: Header, keys: readonly Key[], { pay }: BuiltinCall): boolean {
  const signed = { data: token.signed, signature: section(token.signature, "signature") };
  const named = kid === "" ? undefined : keys.find((key) => key.kid === kid);
  if (named !== undefined) return verifies(alg, named.material, signed);
  const fitting = keys.filter((key) => key.alg === "" || key.alg === alg);
  return verifiesByAny(alg, fitting, signed, pay);
}

function claimsHold(payload: RegoObject, { iss, aud, seconds }: Constraints): boolean {
  const issuer = payload.get("iss");
  if (iss !== "" && issuer !== undefined && typeof issuer !== "string") throw new BuiltinError("iss is not a string");
  if (iss !== "" && issuer !== iss) return false;
  const audience = payload.get("aud");
  if (audience === undefined ? aud !== "" : !isAmong(aud, audience)) return false;
  const [exp, nbf] = [payload.get("exp"), payload.get("nbf")];
  if (exp !== undefined && compareNumberText(seconds, timeClaim(exp)) >= 0) return false;
  return nbf === undefined || compareNumberText(seconds, timeClaim(nbf)) >= 0;
}

function isAmong(aud: string, audience: RegoValue): boolean {
  return isRegoArray(audience) ? audience.includes(aud) : audience === aud;
}

function timeClaim(value: RegoValue): string {
  if (!(value instanceof RegoNumber)) throw new BuiltinError("exp and nbf must be numbers");
  return value.text;
}
