/**
 * `crypto.x509.*` and `crypto.parse_private_keys`. Input is PEM, or base64 of PEM or of DER. Parsing checks form only;
 * verification needs a root first, the leaf last and what is between in between, and answers `[false, []]` when it fails.
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { type Builtin, BuiltinError, builtinTable, integerArg, itemsArg, objectArg, stringArg } from "../builtin.ts";
import { bytesOfText, textOfBytes } from "../rego-value/bytes.ts";
import { RegoObject, type RegoValue } from "../rego-value/value.ts";
import { withoutEnds } from "../without-ends.ts";
import { decodeBase64 } from "./go-base64.ts";
import { nextPemBlock } from "./pem.ts";
import { uriStrings } from "./x509/alternative-names.ts";
import { type Certificate, certificatesOf } from "./x509/certificate.ts";
import { base64, object } from "./x509/go-json.ts";
import { goKeyJson, jwkJson, privateKeysOf, readKey } from "./x509/private-keys.ts";
import { requestOf } from "./x509/request.ts";
import { verifiedChain, type VerifyOptions } from "./x509/verify-chain.ts";

function base64Bytes(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (bytes === undefined) throw new BuiltinError("neither PEM nor base64");
  return bytes;
}

const PEM_BEGIN = Buffer.from("-----BEGIN");

/** Text that holds PEM, or bytes that are DER. */
function pemOrDer(text: string): { readonly pem: string } | { readonly der: Uint8Array } {
  if (text.startsWith("-----BEGIN")) return { pem: text };
  const bytes = base64Bytes(text);
  // NB: most DER is not UTF-8, and to read it as text takes a microsecond for each byte.
  return PEM_BEGIN.equals(bytes.subarray(0, PEM_BEGIN.length)) ? { pem: textOfBytes(bytes) } : { der: bytes };
}

function certificates(text: string): readonly Certificate[] {
  const source = pemOrDer(text);
  if ("der" in source) return certificatesOf(source.der);
  const found: Uint8Array[] = [];
  let rest = source.pem;
  for (let block = nextPemBlock(rest); block !== undefined; block = nextPemBlock(rest)) {
    if (block.type !== "CERTIFICATE") throw new BuiltinError(`PEM block type is '${block.type}', expected CERTIFICATE`);
    found.push(block.bytes);
    rest = block.rest;
  }
  return certificatesOf(Buffer.concat(found));
}

function withUriStrings({ json, fields }: Certificate): RegoValue {
  return new RegoObject([...json.entries(), ["URIStrings", uriStrings(fields.names)]]);
}

const FAILED: RegoValue = [false, []];
const NANOSECONDS_PER_MS = 1_000_000n;

function verifier(
  options: (args: readonly RegoValue[], nowMs: number) => VerifyOptions,
  show: (one: Certificate) => RegoValue,
): Builtin {
  return (args, call) => {
    const text = stringArg(args, 0);
    const verifyOptions = options(args, Number(call.nowNs / NANOSECONDS_PER_MS));
    const chain = verifiedChain(certificatesOrNone(text), verifyOptions, call.pay);
    return chain === undefined ? FAILED : [true, chain.map(show)];
  };
}

function certificatesOrNone(text: string): readonly Certificate[] {
  try {
    return certificates(text);
  } catch (error) {
    if (error instanceof BuiltinError) return [];
    throw error;
  }
}

const USAGES = [
  "Any",
  "ServerAuth",
  "ClientAuth",
  "CodeSigning",
  "EmailProtection",
  "IPSECEndSystem",
  "IPSECTunnel",
].concat(
  ["IPSECUser", "TimeStamping", "OCSPSigning", "MicrosoftServerGatedCrypto", "NetscapeServerGatedCrypto"],
  ["MicrosoftCommercialCodeSigning", "MicrosoftKernelCodeSigning"],
);

function readOptions(args: readonly RegoValue[], nowMs: number): VerifyOptions {
  const options = { dnsName: "", nowMs, usages: Array<number>() };
  for (const [key, value] of objectArg(args, 1).entries()) {
    if (key === "DNSName") options.dnsName = withoutEnds(stringArg([value], 0), '"');
    else if (key === "CurrentTime") options.nowMs = Number(integerArg([value], 0)) / Number(NANOSECONDS_PER_MS);
    else if (key === "KeyUsages") options.usages = itemsArg([value], 0).flatMap(usageOf);
    else if (key === "MaxConstraintComparisons") integerArg([value], 0);
    else if (typeof key === "string") throw new BuiltinError("invalid key option");
  }
  return options;
}

function usageOf(value: RegoValue): readonly number[] {
  if (typeof value !== "string") return [];
  const found = USAGES.indexOf(withoutEnds(value, '"').replace(/^KeyUsage/, ""));
  if (found < 0) throw new BuiltinError("invalid entries for 'KeyUsages' found");
  return [found];
}

const parseRequest: Builtin = (args) => {
  const text = stringArg(args, 0);
  const isPem = text.startsWith("-----BEGIN CERTIFICATE REQUEST-----");
  const bytes = isPem ? bytesOfText(text) : base64Bytes(text);
  const block = nextPemBlock(isPem ? text : textOfBytes(bytes));
  if (block !== undefined && block.type !== "CERTIFICATE REQUEST") throw new BuiltinError("not a signing request");
  return requestOf(block?.bytes ?? bytes);
};

const parseRsaPrivateKey: Builtin = (args) => {
  const text = stringArg(args, 0);
  if (text === "") throw new BuiltinError("input PEM data was empty");
  const pem = text.startsWith("-----BEGIN") ? text : textOfBytes(base64Bytes(text));
  const [key] = privateKeysOf(pem);
  return key === undefined ? null : jwkJson(key);
};

const parsePrivateKeys: Builtin = (args) => {
  const text = stringArg(args, 0);
  return text === "" ? null : privateKeysOf(text).map(goKeyJson);
};

/** A certificate chain and the private key of its first certificate, as Go's tls.Certificate. */
const parseKeyPair: Builtin = (args) => {
  const chain = certificates(stringArg(args, 0));
  const [leaf] = chain;
  const source = pemOrDer(stringArg(args, 1));
  const [key] = "pem" in source ? privateKeysOf(source.pem) : [readKey(source.der, "pkcs8")];
  if (leaf === undefined || key === undefined) throw new BuiltinError("a certificate and a private key are needed");
  if (!isPair(leaf, key)) throw new BuiltinError("private key does not match public key");
  return object({
    Certificate: chain.map(({ raw }) => base64(raw)),
    PrivateKey: goKeyJson(key),
    SupportedSignatureAlgorithms: null,
    OCSPStaple: null,
    SignedCertificateTimestamps: null,
    Leaf: leaf.json,
  });
};

function isPair(leaf: Certificate, key: KeyObject): boolean {
  const spki = createPublicKey(key).export({ format: "der", type: "spki" }).toString("base64");
  return leaf.json.get("RawSubjectPublicKeyInfo") === spki;
}

export const X509 = builtinTable([
  ["crypto.x509.parse_certificates", (args) => certificates(stringArg(args, 0)).map(withUriStrings)],
  [
    "crypto.x509.parse_and_verify_certificates",
    verifier((_, nowMs) => ({ dnsName: "", nowMs, usages: [] }), withUriStrings),
  ],
  ["crypto.x509.parse_and_verify_certificates_with_options", verifier(readOptions, ({ json }) => json)],
  ["crypto.x509.parse_certificate_request", parseRequest],
  ["crypto.x509.parse_rsa_private_key", parseRsaPrivateKey],
  ["crypto.x509.parse_keypair", parseKeyPair],
  ["crypto.parse_private_keys", parsePrivateKeys],
]);
