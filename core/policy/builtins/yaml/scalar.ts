/** What an unquoted YAML scalar means to the library that OPA uses: YAML 1.1 words, but no base 60 and no timestamps. */
import { RegoNumber, type RegoValue, regoInteger } from "../../rego-value/value.ts";

const TRUE = new Set(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const FALSE = new Set(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);
const NULL = new Set(["", "~", "null", "Null", "NULL"]);
const SPECIAL = /^(?:\.(?:nan|NaN|NAN)|[+-]?\.(?:inf|Inf|INF))$/;
const FLOAT = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const TIMESTAMP = /^\d{4}-\d\d?-\d\d?(?:$|[Tt ])/;
const INTEGER = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))$/;

type Scalar =
  | { readonly kind: "value"; readonly value: RegoValue }
  | { readonly kind: "text" }
  /** Infinity or not a number, which JSON does not have. */
  | { readonly kind: "special" };

export function resolveScalar(text: string): Scalar {
  if (TRUE.has(text)) return { kind: "value", value: true };
  if (FALSE.has(text)) return { kind: "value", value: false };
  if (NULL.has(text)) return { kind: "value", value: null };
  if (SPECIAL.test(text)) return { kind: "special" };
  const number = /^[-+.0-9]/.test(text) && !TIMESTAMP.test(text) ? numberOf(text) : undefined;
  return number === undefined ? { kind: "text" } : { kind: "value", value: number };
}

function numberOf(text: string): RegoNumber | undefined {
  const plain = text.startsWith(".") ? text : text.replaceAll("_", "");
  const integer = integerOf(plain);
  if (integer !== undefined && integer >= -(2n ** 63n) && integer < 2n ** 64n) return regoInteger(integer);
  const float = FLOAT.test(plain) ? Number(plain) : Number.NaN;
  return Number.isFinite(float) ? new RegoNumber(JSON.stringify(float)) : undefined;
}

function integerOf(text: string): bigint | undefined {
  const found = INTEGER.exec(text);
  if (found === null) return undefined;
  const [, sign, hexadecimal, binary, octal, decimal] = found;
  const magnitude =
    hexadecimal !== undefined
      ? BigInt(`0x${hexadecimal}`)
      : binary !== undefined
        ? BigInt(`0b${binary}`)
        : octal !== undefined
          ? BigInt(`0o${octal}`)
          : BigInt(decimal ?? "0");
  return sign === "-" ? -magnitude : magnitude;
}
