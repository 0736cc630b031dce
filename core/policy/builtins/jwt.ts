/**
 * `io.jwt.*`. `decode` checks nothing; the `verify_*` family checks one signature with the algorithm in its own name,
 * whatever the token's header says, and no claim.
 */
import { type Builtin, BuiltinError, BuiltinLimit, builtinTable, stringArg } from "../builtin.ts";
import { bytesOfText } from "../rego-value/bytes.ts";
import { withoutEnds } from "../without-ends.ts";
import { decodeVerify } from "./jwt/decode-verify.ts";
import { encodeSignRaw, encodeSignValues } from "./jwt/encode-sign.ts";
import { ALGORITHMS, verificationKeys } from "./jwt/keys.ts";
import { verifies, verifiesByAny } from "./jwt/signature.ts";
import { jsonObject, parseToken, readHeader, section, sectionText } from "./jwt/token.ts";

const MAX_NESTED = 8;

/** A token inside a token (`cty: JWT`) is followed; it may stand in quotes. */
const decode: Builtin = (args) => {
  let text = stringArg(args, 0);
  for (let depth = 0; depth < MAX_NESTED; depth++) {
    const token = parseToken(text);
    const cty = token.header.get("cty") ?? "";
    if (typeof cty !== "string") throw new BuiltinError("cty: must be a string");
    const payload = sectionText(token.payload, "payload");
    if (cty === "JWT") {
      text = withoutEnds(payload, "\"'");
      continue;
    }
    const signature = Buffer.from(section(token.signature, "signature")).toString("hex");
    return [token.header, jsonObject(payload, "payload"), signature];
  }
  throw new BuiltinLimit("JWT is nested too deep");
};

function verifyHmac(alg: string): Builtin {
  return (args) => {
    const [text, secret] = [stringArg(args, 0), stringArg(args, 1)];
    const sections = text.split(".");
    const [head = "", payload = "", signature = ""] = sections;
    if (sections.length !== 3) throw new BuiltinError("encoded JWT must have 3 sections");
    const signed = { data: bytesOfText(`${head}.${payload}`), signature: section(signature, "signature") };
    return verifies(alg, { kind: "secret", bytes: bytesOfText(secret) }, signed);
  };
}

function verifyWithKeys(alg: string): Builtin {
  return (args, { pay }) => {
    const keys = verificationKeys(stringArg(args, 1), pay);
    const token = parseToken(stringArg(args, 0));
    const header = readHeader(token.header);
    const signed = { data: token.signed, signature: section(token.signature, "signature") };
    const asymmetric = keys.filter(({ material }) => material.kind === "public");
    const named = header.kid === "" ? undefined : keys.find((key) => key.kid === header.kid);
    if (named !== undefined) return asymmetric.includes(named) && verifies(alg, named.material, signed, "any");
    const fitting = asymmetric.filter((key) => key.alg === "" || key.alg === header.alg);
    return verifiesByAny(alg, fitting, signed, pay, "any");
  };
}

export const JWT = builtinTable([
  ["io.jwt.decode", decode],
  ["io.jwt.decode_verify", decodeVerify],
  ["io.jwt.encode_sign", encodeSignValues],
  ["io.jwt.encode_sign_raw", encodeSignRaw],
  ...[...ALGORITHMS].map(
    (alg) =>
      [`io.jwt.verify_${alg.toLowerCase()}`, alg.startsWith("HS") ? verifyHmac(alg) : verifyWithKeys(alg)] as const,
  ),
]);
