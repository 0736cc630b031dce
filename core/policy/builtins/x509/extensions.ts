/** The extensions of a certificate, read into the fields that Go gives them. Critical ones that Go does not know are noted. */
import { BuiltinError } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import { type AlternativeNames, alternativeNamesOf, NO_NAMES } from "./alternative-names.ts";
import { bitsOf, context, DerReader, malformed, oidOf, TAG } from "./der.ts";
import { type NameConstraints, nameConstraintsOf, NO_CONSTRAINTS } from "./name-constraints.ts";

export type Extension = { readonly oid: readonly number[]; readonly critical: boolean; readonly value: Uint8Array };

export type ExtensionFields = {
  keyUsage: number;
  isBasicConstraintsValid: boolean;
  isCa: boolean;
  maxPathLength: number;
  names: AlternativeNames;
  constraints: NameConstraints;
  crls: string[];
  authorityKeyId: Uint8Array | undefined;
  subjectKeyId: Uint8Array | undefined;
  usages: number[];
  unknownUsages: (readonly number[])[];
  policies: (readonly number[])[] | undefined;
  ocspServers: string[];
  issuerUrls: string[];
  /** `undefined` when the extension says nothing of it. */
  requireExplicitPolicy: number | undefined;
  inhibitPolicyMapping: number | undefined;
  inhibitAnyPolicy: number | undefined;
  policyMappings: { readonly issuer: readonly number[]; readonly subject: readonly number[] }[];
  unhandled: (readonly number[])[];
};

export function extensionsOf(reader: DerReader): readonly Extension[] {
  const extensions: Extension[] = [];
  while (!reader.isEmpty) {
    const one = reader.sequence();
    const oid = one.oid();
    const critical = one.optional(TAG.boolean)?.body[0] === 0xff;
    extensions.push({ oid, critical, value: one.element(TAG.octetString).body });
  }
  const names = extensions.map(({ oid }) => oid.join("."));
  if (new Set(names).size < names.length) throw new BuiltinError("certificate contains a duplicate extension");
  return extensions;
}

export function readExtensions(extensions: readonly Extension[]): ExtensionFields {
  const fields: ExtensionFields = {
    keyUsage: 0,
    isBasicConstraintsValid: false,
    isCa: false,
    maxPathLength: 0,
    names: NO_NAMES,
    constraints: NO_CONSTRAINTS,
    crls: [],
    authorityKeyId: undefined,
    subjectKeyId: undefined,
    usages: [],
    unknownUsages: [],
    policies: undefined,
    ocspServers: [],
    issuerUrls: [],
    requireExplicitPolicy: undefined,
    inhibitPolicyMapping: undefined,
    inhibitAnyPolicy: undefined,
    policyMappings: [],
    unhandled: [],
  };
  for (const extension of extensions) {
    const isHandled = READERS.get(extension.oid.join("."))?.(fields, extension) ?? false;
    if (extension.critical && !isHandled) fields.unhandled.push(extension.oid);
  }
  return fields;
}

/** Fills in its fields; false when there was nothing in it that is understood. */
type Read = (fields: ExtensionFields, extension: Extension) => boolean;

/** RFC 5280 says "MUST NOT be critical" of these, and Go insists. */
function uncritical(read: Read): Read {
  return (fields, extension) => {
    if (extension.critical) throw new BuiltinError("an extension is incorrectly marked critical");
    return read(fields, extension);
  };
}

const keyUsage: Read = (fields, { value }) => {
  const { bytes } = bitsOf(new DerReader(value).element(TAG.bitString).body);
  for (let bit = 0; bit < 9; bit++) {
    if ((((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1) fields.keyUsage |= 1 << bit;
  }
  return true;
};

const basicConstraints: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  const ca = reader.optional(TAG.boolean);
  fields.isCa = ca?.body[0] === 0xff;
  const length = reader.peekTag() === TAG.integer ? reader.integer() : -1n;
  if (length < -1n || length > 2n ** 31n) throw malformed();
  fields.maxPathLength = Number(length);
  fields.isBasicConstraintsValid = true;
  return true;
};

const subjectNames: Read = (fields, { value }) => {
  fields.names = alternativeNamesOf(value);
  return Object.values(fields.names).some((list) => list.length > 0);
};

const nameConstraints: Read = (fields, { value, critical }) => {
  const { constraints, isHandled } = nameConstraintsOf(value, critical);
  fields.constraints = constraints;
  return isHandled;
};

const crlDistribution: Read = (fields, { value }) => {
  const points = new DerReader(value).sequence();
  while (!points.isEmpty) {
    const name = points.sequence().optional(context(0, true));
    if (name === undefined) continue;
    const full = new DerReader(new DerReader(name.body).element(context(0, true)).body);
    for (let uri = full.optional(context(6, false)); uri !== undefined; uri = full.optional(context(6, false))) {
      fields.crls.push(textOfBytes(uri.body));
    }
  }
  return true;
};

const EXTENDED_USAGES = ["2.5.29.37.0"].concat(
  [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `1.3.6.1.5.5.7.3.${n}`),
  ["1.3.6.1.4.1.311.10.3.3", "2.16.840.1.113730.4.1", "1.3.6.1.4.1.311.2.1.22", "1.3.6.1.4.1.311.61.1.1"],
);

const extendedUsages: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  while (!reader.isEmpty) {
    const oid = reader.oid();
    const known = EXTENDED_USAGES.indexOf(oid.join("."));
    if (known >= 0) fields.usages.push(known);
    else fields.unknownUsages.push(oid);
  }
  return true;
};

const policies: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  const found: (readonly number[])[] = [];
  while (!reader.isEmpty) found.push(reader.sequence().oid());
  fields.policies = found;
  return true;
};

const policyConstraints: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  const small = (tag: number): number | undefined =>
    reader.peekTag() === tag ? Number(reader.integer(tag)) : undefined;
  fields.requireExplicitPolicy = small(context(0, false));
  fields.inhibitPolicyMapping = small(context(1, false));
  return true;
};

const policyMappings: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  while (!reader.isEmpty) {
    const pair = reader.sequence();
    fields.policyMappings.push({ issuer: pair.oid(), subject: pair.oid() });
  }
  return true;
};

const authorityAccess: Read = (fields, { value }) => {
  const reader = new DerReader(value).sequence();
  while (!reader.isEmpty) {
    const one = reader.sequence();
    const method = oidOf(one.element(TAG.oid).body).join(".");
    const uri = one.optional(context(6, false));
    if (uri === undefined) continue;
    if (method === "1.3.6.1.5.5.7.48.1") fields.ocspServers.push(textOfBytes(uri.body));
    if (method === "1.3.6.1.5.5.7.48.2") fields.issuerUrls.push(textOfBytes(uri.body));
  }
  return true;
};

const READERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  [
    "2.5.29.14",
    uncritical((fields, { value }) => {
      fields.subjectKeyId = new DerReader(value).element(TAG.octetString).body;
      return true;
    }),
  ],
  ["2.5.29.15", keyUsage],
  ["2.5.29.17", subjectNames],
  ["2.5.29.19", basicConstraints],
  ["2.5.29.30", nameConstraints],
  ["2.5.29.31", crlDistribution],
  ["2.5.29.32", policies],
  ["2.5.29.33", policyMappings],
  [
    "2.5.29.35",
    uncritical((fields, { value }) => {
      fields.authorityKeyId = new DerReader(value).sequence().optional(context(0, false))?.body;
      return true;
    }),
  ],
  ["2.5.29.36", policyConstraints],
  ["2.5.29.37", extendedUsages],
  [
    "2.5.29.54",
    (fields, { value }) => {
      fields.inhibitAnyPolicy = Number(new DerReader(value).integer());
      return true;
    },
  ],
  ["1.3.6.1.5.5.7.1.1", uncritical(authorityAccess)],
]);
