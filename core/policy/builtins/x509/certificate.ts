/** An X.509 certificate, read as Go's crypto/x509 reads it, and shown to policies with the names of its fields. */
import { BuiltinError } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import { type RegoObject, type RegoValue, regoInteger } from "../../rego-value/value.ts";
import { namesJson } from "./alternative-names.ts";
import { context, DerReader, type Element, malformed, TAG } from "./der.ts";
import { type Extension, type ExtensionFields, extensionsOf, readExtensions } from "./extensions.ts";
import { base64, base64OrNull, listOrNull, object, oidList } from "./go-json.ts";
import { constraintsJson } from "./name-constraints.ts";
import { nameOf } from "./name.ts";
import { type PublicKeyInfo, publicKeyOf, signatureAlgorithmOf } from "./public-key.ts";

export type Certificate = {
  readonly raw: Uint8Array;
  readonly rawIssuer: Uint8Array;
  readonly rawSubject: Uint8Array;
  readonly version: number;
  /** Milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly signatureAlgorithm: number;
  readonly publicKey: PublicKeyInfo;
  readonly fields: ExtensionFields;
  /** As Go writes it, without OPA's `URIStrings`. */
  readonly json: RegoObject;
};

const VERSION = context(0, true);
const EXTENSIONS = context(3, true);

/** One or more certificates, one after the other. */
export function certificatesOf(der: Uint8Array): readonly Certificate[] {
  const certificates: Certificate[] = [];
  for (const reader = new DerReader(der); !reader.isEmpty; )
    certificates.push(certificateOf(reader.element(TAG.sequence)));
  return certificates;
}

function certificateOf({ raw, body }: Element): Certificate {
  const outer = new DerReader(body);
  const tbsElement = outer.element(TAG.sequence);
  const tbs = new DerReader(tbsElement.body);
  const versionElement = tbs.optional(VERSION);
  const version = versionElement === undefined ? 1 : Number(new DerReader(versionElement.body).integer()) + 1;
  if (version < 1 || version > 3) throw new BuiltinError("invalid version");
  const serial = tbs.integer();
  if (serial < 0n) throw new BuiltinError("negative serial number");
  const inner = tbs.element(TAG.sequence).body;
  if (Buffer.compare(inner, outer.element(TAG.sequence).body) !== 0) {
    throw new BuiltinError("inner and outer signature algorithm identifiers don't match");
  }
  const signatureAlgorithm = signatureAlgorithmOf(inner);
  const rawIssuer = tbs.element(TAG.sequence).raw;
  const validity = tbs.sequence();
  const [notBefore, notAfter] = [timeOf(validity.any()), timeOf(validity.any())];
  const rawSubject = tbs.element(TAG.sequence).raw;
  const rawKey = tbs.element(TAG.sequence).raw;
  const publicKey = publicKeyOf(rawKey);
  tbs.optional(context(1, false));
  tbs.optional(context(2, false));
  const wrapped = version === 3 ? tbs.optional(EXTENSIONS) : undefined;
  const extensions = wrapped === undefined ? [] : extensionsOf(new DerReader(wrapped.body).sequence());
  const fields = readExtensions(extensions);
  const json = object({
    Raw: base64(raw),
    RawTBSCertificate: base64(tbsElement.raw),
    RawSubjectPublicKeyInfo: base64(rawKey),
    RawSubject: base64(rawSubject),
    RawIssuer: base64(rawIssuer),
    Signature: base64(outer.bitString()),
    SignatureAlgorithm: regoInteger(signatureAlgorithm),
    PublicKeyAlgorithm: regoInteger(publicKey.algorithm),
    PublicKey: publicKey.json,
    Version: regoInteger(version),
    SerialNumber: regoInteger(serial),
    Issuer: nameOf(rawIssuer),
    Subject: nameOf(rawSubject),
    NotBefore: timeText(notBefore),
    NotAfter: timeText(notAfter),
    Extensions: listOrNull(extensions.map(extensionJson)),
    ExtraExtensions: null,
    ...fieldsJson(fields),
  });
  return { raw, rawIssuer, rawSubject, version, notBefore, notAfter, signatureAlgorithm, publicKey, fields, json };
}

export function extensionJson({ oid, critical, value }: Extension): RegoValue {
  return object({ Id: oidList(oid), Critical: critical, Value: base64(value) });
}

function fieldsJson(fields: ExtensionFields): Readonly<Record<string, RegoValue>> {
  const { policies } = fields;
  const count = (name: string, value: number | undefined): Readonly<Record<string, RegoValue>> => ({
    [name]: regoInteger(value ?? 0),
    [`${name}Zero`]: value === 0,
  });
  return {
    KeyUsage: regoInteger(fields.keyUsage),
    UnhandledCriticalExtensions: listOrNull(fields.unhandled.map(oidList)),
    ExtKeyUsage: listOrNull(fields.usages.map(regoInteger)),
    UnknownExtKeyUsage: listOrNull(fields.unknownUsages.map(oidList)),
    BasicConstraintsValid: fields.isBasicConstraintsValid,
    IsCA: fields.isCa,
    MaxPathLen: regoInteger(fields.maxPathLength),
    MaxPathLenZero: fields.isBasicConstraintsValid && fields.maxPathLength === 0,
    SubjectKeyId: base64OrNull(fields.subjectKeyId),
    AuthorityKeyId: base64OrNull(fields.authorityKeyId),
    OCSPServer: listOrNull(fields.ocspServers),
    IssuingCertificateURL: listOrNull(fields.issuerUrls),
    ...namesJson(fields.names),
    ...constraintsJson(fields.constraints),
    CRLDistributionPoints: listOrNull(fields.crls),
    PolicyIdentifiers: policies === undefined ? null : policies.map(oidList),
    Policies: listOrNull((policies ?? []).map((oid) => oid.join("."))),
    ...count("InhibitAnyPolicy", fields.inhibitAnyPolicy),
    ...count("InhibitPolicyMapping", fields.inhibitPolicyMapping),
    ...count("RequireExplicitPolicy", fields.requireExplicitPolicy),
    PolicyMappings: listOrNull(
      fields.policyMappings.map(({ issuer, subject }) =>
        object({ IssuerDomainPolicy: issuer.join("."), SubjectDomainPolicy: subject.join(".") }),
      ),
    ),
  };
}

/** `YYMMDDhhmmssZ` (years from 1950) or with four digits of the year. */
function timeOf({ tag, body }: Element): number {
  const found = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(textOfBytes(body));
  const isShort = found?.[1]?.length === 2;
  if (found === null || tag !== (isShort ? TAG.utcTime : TAG.generalizedTime)) throw malformed();
  const [first = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  const year = isShort ? first + (first < 50 ? 2000 : 1900) : first;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || hour > 23 || minute > 59 || second > 59) throw malformed();
  return date.getTime();
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
