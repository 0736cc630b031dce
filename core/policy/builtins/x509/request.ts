/** A certificate signing request (PKCS #10), read and shown as Go's crypto/x509 does. Its signature is not checked. */
import { textOfBytes } from "../../rego-value/bytes.ts";
import { type RegoObject, type RegoValue, regoInteger } from "../../rego-value/value.ts";
import { alternativeNamesOf, namesJson, NO_NAMES } from "./alternative-names.ts";
import { extensionJson } from "./certificate.ts";
import { context, DerReader, type Element, integerOf, malformed, oidOf, TAG } from "./der.ts";
import { type Extension, extensionsOf } from "./extensions.ts";
import { base64, listOrNull, object, oidList } from "./go-json.ts";
import { nameOf } from "./name.ts";
import { publicKeyOf, signatureAlgorithmOf } from "./public-key.ts";

const EXTENSION_REQUEST = "1.2.840.113549.1.9.14";
const ALTERNATIVE_NAMES = "2.5.29.17";

export function requestOf(der: Uint8Array): RegoObject {
  const whole = new DerReader(der);
  const { raw, body } = whole.element(TAG.sequence);
  if (!whole.isEmpty) throw malformed();
  const outer = new DerReader(body);
  const info = outer.element(TAG.sequence);
  const reader = new DerReader(info.body);
  const version = reader.integer();
  const rawSubject = reader.element(TAG.sequence).raw;
  const rawKey = reader.element(TAG.sequence).raw;
  const key = publicKeyOf(rawKey);
  const attributes = attributesOf(reader);
  const signatureAlgorithm = signatureAlgorithmOf(outer.element(TAG.sequence).body);
  const extensions = attributes.flatMap(requestedExtensions);
  const names = extensions.findLast(({ oid }) => oid.join(".") === ALTERNATIVE_NAMES);
  return object({
    Raw: base64(raw),
    RawTBSCertificateRequest: base64(info.raw),
    RawSubjectPublicKeyInfo: base64(rawKey),
    RawSubject: base64(rawSubject),
    Version: regoInteger(version),
    Signature: base64(outer.bitString()),
    SignatureAlgorithm: regoInteger(signatureAlgorithm),
    PublicKeyAlgorithm: regoInteger(key.algorithm),
    PublicKey: key.json,
    Subject: nameOf(rawSubject),
    Attributes: listOrNull(attributes.flatMap(attributeJson)),
    Extensions: listOrNull(extensions.map(extensionJson)),
    ExtraExtensions: null,
    ...namesJson(names === undefined ? NO_NAMES : alternativeNamesOf(names.value)),
  });
}

type Attribute = { readonly oid: readonly number[]; readonly values: readonly Element[] };

function attributesOf(reader: DerReader): readonly Attribute[] {
  const set = new DerReader(reader.element(context(0, true)).body);
  const attributes: Attribute[] = [];
  while (!set.isEmpty) {
    const one = set.sequence();
    const oid = one.oid();
    const members = new DerReader(one.element(TAG.set).body);
    const values: Element[] = [];
    while (!members.isEmpty) values.push(members.any());
    attributes.push({ oid, values });
  }
  return attributes;
}

function requestedExtensions({ oid, values: [first] }: Attribute): readonly Extension[] {
  return oid.join(".") === EXTENSION_REQUEST && first !== undefined ? extensionsOf(new DerReader(first.body)) : [];
}

/** Go shows those attributes whose values are lists of (type, value); others are left out. */
function attributeJson({ oid, values }: Attribute): readonly RegoValue[] {
  const lists: RegoValue[] = [];
  for (const value of values) {
    if (value.tag !== TAG.sequence) return [];
    const pairs: RegoValue[] = [];
    for (const reader = new DerReader(value.body); !reader.isEmpty; ) {
      const pair = new DerReader(reader.any().body);
      if (pair.peekTag() !== TAG.oid) return [];
      pairs.push(object({ Type: oidList(pair.oid()), Value: pair.isEmpty ? null : valueJson(pair.any()) }));
    }
    lists.push(pairs);
  }
  return [object({ Type: oidList(oid), Value: lists })];
}

function valueJson({ tag, body }: Element): RegoValue {
  if (tag === TAG.octetString) return base64(body);
  if (tag === TAG.boolean) return body[0] === 0xff;
  if (tag === TAG.integer) return regoInteger(integerOf(body));
  if (tag === TAG.oid) return oidList(oidOf(body));
  return [TAG.utf8, TAG.printable, TAG.ia5, TAG.numeric].some((text) => text === tag) ? textOfBytes(body) : null;
}
