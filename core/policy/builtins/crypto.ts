/** Hashes, HMACs and encodings, by node:crypto. Strings are hashed as bytes; digests are lower-case hexadecimal. */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { type Builtin, BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";

function digest(algorithm: string): Builtin {
  return (args) =>
    createHash(algorithm)
      .update(bytesOfText(stringArg(args, 0)))
      .digest("hex");
}

function hmac(algorithm: string): Builtin {
  return (args) =>
    createHmac(algorithm, bytesOfText(stringArg(args, 1)))
      .update(bytesOfText(stringArg(args, 0)))
      .digest("hex");
}

const hmacEqual: Builtin = (args) => {
  const left = bytesOfText(stringArg(args, 0));
  const right = bytesOfText(stringArg(args, 1));
  return left.length === right.length && timingSafeEqual(left, right);
};

const hexDecode: Builtin = (args) => {
  const text = stringArg(args, 0);
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new BuiltinError("not hexadecimal");
  return textOfBytes(Buffer.from(text, "hex"));
};

export const CRYPTO = builtinTable([
  ["crypto.md5", digest("md5")],
  ["crypto.sha1", digest("sha1")],
  ["crypto.sha256", digest("sha256")],
  ["crypto.hmac.md5", hmac("md5")],
  ["crypto.hmac.sha1", hmac("sha1")],
  ["crypto.hmac.sha256", hmac("sha256")],
  ["crypto.hmac.sha512", hmac("sha512")],
  ["crypto.hmac.equal", hmacEqual],
  ["hex.encode", (args) => Buffer.from(bytesOfText(stringArg(args, 0))).toString("hex")],
  ["hex.decode", hexDecode],
  ["base64url.encode_no_pad", (args) => Buffer.from(bytesOfText(stringArg(args, 0))).toString("base64url")],
]);
