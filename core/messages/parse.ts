/** Outside bytes → a value of a TypeBox schema, once, at the edge. */
import type { Static, TSchema } from "typebox";
import { Compile } from "typebox/compile";

export type Parsed<T> =
  | { readonly kind: "parsed"; readonly value: T }
  | { readonly kind: "malformed"; readonly detail: string };

/** Compiles the schema; the returned function never throws. `detail` names the place, never the value. */
export function createParser<S extends TSchema>(schema: S): (bytes: Uint8Array) => Parsed<Static<S>> {
  const validator = Compile(schema);
  const utf8 = new TextDecoder("utf-8", { fatal: true });
  return (bytes) => {
    let value: unknown;
    try {
      value = JSON.parse(utf8.decode(bytes));
    } catch {
      return { kind: "malformed", detail: "not JSON in UTF-8" };
    }
    if (validator.Check(value)) return { kind: "parsed", value };
    const [first] = validator.Errors(value);
    return {
      kind: "malformed",
      detail: `${first?.instancePath ?? ""} ${first?.message ?? "is not of the schema"}`.trim(),
    };
  };
}
