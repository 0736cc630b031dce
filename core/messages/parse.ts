/** Parses outside bytes to a value of a TypeBox schema, once, at the edge. */
import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

export type Parsed<T> =
  | { readonly kind: "parsed"; readonly value: T }
  | { readonly kind: "malformed"; readonly detail: string };

/** Compiles the schema; the returned function never throws. Bytes have to be UTF-8. `detail` names the place by names of the schema, never by what came. */
export function createParser<S extends TSchema>(schema: S): (given: Uint8Array | string) => Parsed<Static<S>> {
  const validator = Compile(schema);
  const known = new Set(memberNames(schema));
  const placeOf = (path: string) =>
    path
      .split("/")
      .map((name) => (name === "" || /^\d{1,6}$/.test(name) || known.has(name) ? name : "*"))
      .join("/");
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  return (given) => {
    let value: unknown;
    try {
      value = JSON.parse(typeof given === "string" ? given : utf8.decode(given));
    } catch {
      return { kind: "malformed", detail: "not JSON in UTF-8" };
    }
    if (validator.Check(value)) return { kind: "parsed", value };
    const [first] = validator.Errors(value);
    return {
      kind: "malformed",
      detail: `${placeOf(first?.instancePath ?? "")} ${first?.message ?? "is not of the schema"}`.trim(),
    };
  };
}

/** The major version that a record claims to be of, when it is another than `known`: a writer that is newer or older than we are, or none at all. */
export function unknownVersion(bytes: Uint8Array, known = 1): number | undefined {
  const parsed = parseVersion(bytes);
  return parsed.kind === "parsed" && parsed.value.v !== known ? parsed.value.v : undefined;
}

const parseVersion = createParser(Type.Object({ v: Type.Integer({ minimum: 0 }) }));

function memberNames(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(memberNames);
  if (typeof schema !== "object" || schema === null) return [];
  return Object.entries(schema).flatMap(([word, inner]: [string, unknown]) => {
    const names = word === "properties" && typeof inner === "object" && inner !== null ? Object.keys(inner) : [];
    return [...names, ...memberNames(inner)];
  });
}
