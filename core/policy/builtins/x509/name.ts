/** Distinguished names, shown as Go's pkix.Name, and the string types that ASN.1 has for them. */
import { BuiltinError } from "../../builtin.ts";
import { textOfBytes } from "../../rego-value/bytes.ts";
import type { RegoObject, RegoValue } from "../../rego-value/value.ts";
import { DerReader, type Element, malformed, TAG } from "./der.ts";
import { listOrNull, object, oidList } from "./go-json.ts";

type Attribute = { readonly oid: readonly number[]; readonly value: string };

/** `2.5.4.n`. The first two are single, the last one counts. */
const SINGLE: ReadonlyMap<number, string> = new Map([
  [3, "CommonName"],
  [5, "SerialNumber"],
]);
const LISTS: ReadonlyMap<number, string> = new Map([
  [6, "Country"],
  [7, "Locality"],
  [8, "Province"],
  [9, "StreetAddress"],
  [10, "Organization"],
  [11, "OrganizationalUnit"],
  [17, "PostalCode"],
]);

export function nameOf(raw: Uint8Array): RegoObject {
  const attributes = attributesOf(raw);
  const texts: Record<string, string> = { CommonName: "", SerialNumber: "" };
  const lists = new Map<string, string[]>([...LISTS.values()].map((name) => [name, []]));
  for (const { oid, value } of attributes) {
    const last = oid.length === 4 && oid.slice(0, 3).join(".") === "2.5.4" ? (oid[3] ?? 0) : 0;
    const single = SINGLE.get(last);
    if (single !== undefined) texts[single] = value;
    lists.get(LISTS.get(last) ?? "")?.push(value);
  }
  const names: RegoValue[] = attributes.map(({ oid, value }) => object({ Type: oidList(oid), Value: value }));
  return object({
    ...texts,
    ...Object.fromEntries([...lists].map(([name, values]) => [name, listOrNull(values)])),
    Names: listOrNull(names),
    ExtraNames: null,
  });
}

function attributesOf(raw: Uint8Array): readonly Attribute[] {
  const attributes: Attribute[] = [];
  const sets = new DerReader(raw).sequence();
  while (!sets.isEmpty) {
    const set = new DerReader(sets.element(TAG.set).body);
    while (!set.isEmpty) {
      const pair = set.sequence();
      attributes.push({ oid: pair.oid(), value: textOf(pair.any()) });
    }
  }
  return attributes;
}

function textOf({ tag, body }: Element): string {
  const text = textOfBytes(body);
  switch (tag) {
    case TAG.t61:
      return Buffer.from(body).toString("latin1");
    case TAG.printable:
      return checked(text, /^[A-Za-z0-9 '()+,\-./:=?*&]*$/);
    case TAG.utf8:
      if (!text.isWellFormed()) throw malformed();
      return text;
    case TAG.ia5:
      return checked(text, /^[\u0000-\u007f]*$/);
    case TAG.numeric:
      return checked(text, /^[0-9 ]*$/);
    case TAG.bmp:
      return checked(
        Buffer.from(body.length % 2 === 0 ? body : [])
          .swap16()
          .toString("utf16le"),
        /^[^\ud800-\udfff]*$/,
      );
    default:
      throw new BuiltinError("unsupported string type in a name");
  }
}

function checked(text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw malformed();
  return text.replace(/\u0000$/, "");
}
