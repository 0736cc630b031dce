/**
 * `base64.*` and `base64url.decode` as Go does them: strict but for line breaks. The module's own skip blanks, which lets
 * two texts stand for the same bytes. What was decoded may be bytes that are no text (rego-value/bytes.ts).
 */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { textOfBytes } from "../rego-value/bytes.ts";
import { decodeBase64, decodeBase64Url } from "./go-base64.ts";

function decoded(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) throw new BuiltinError("illegal base64 data");
  return textOfBytes(bytes);
}

export const BASE64 = builtinTable([
  ["base64.is_valid", ([text]) => typeof text === "string" && decodeBase64(text) !== undefined],
  ["base64.decode", (args) => decoded(decodeBase64(stringArg(args, 0)))],
  ["base64url.decode", (args) => decoded(decodeBase64Url(stringArg(args, 0)))],
]);
