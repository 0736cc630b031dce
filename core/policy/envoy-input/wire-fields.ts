/** What a field of a described message looks like on the wire: its number, its wire type, whether it may be packed. */
import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { WireType } from "@bufbuild/protobuf/wire";

const known = new WeakMap<DescMessage, ReadonlyMap<number, DescField>>();

export function fieldsByNumber(desc: DescMessage): ReadonlyMap<number, DescField> {
  const found = known.get(desc) ?? new Map(desc.fields.map((field) => [field.number, field] as const));
  known.set(desc, found);
  return found;
}

/** Of one record of the field. A packed list is `LengthDelimited` instead. */
export function wireTypeOf(field: DescField): WireType {
  switch (field.fieldKind) {
    case "scalar":
      return scalarWireType(field.scalar);
    case "enum":
      return WireType.Varint;
    case "message":
      return field.delimitedEncoding ? WireType.StartGroup : WireType.LengthDelimited;
    case "map":
      return WireType.LengthDelimited;
    case "list":
      if (field.listKind === "scalar") return scalarWireType(field.scalar);
      if (field.listKind === "enum") return WireType.Varint;
      return field.delimitedEncoding ? WireType.StartGroup : WireType.LengthDelimited;
  }
}

/** Of the value inside an entry of a map. */
export function valueWireType(field: Extract<DescField, { fieldKind: "map" }>): WireType {
  if (field.mapKind === "scalar") return scalarWireType(field.scalar);
  return field.mapKind === "enum" ? WireType.Varint : WireType.LengthDelimited;
}

export function isPackable(field: DescField): boolean {
  if (field.fieldKind !== "list" || field.listKind === "message") return false;
  return field.listKind === "enum" || scalarWireType(field.scalar) !== WireType.LengthDelimited;
}

export function scalarWireType(type: ScalarType): WireType {
  switch (type) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}
