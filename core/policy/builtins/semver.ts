/**
 * `semver.*` as OPA reads versions: an optional leading `v`, numbers that fit 64 bits (leading zeros pass), then
 * pre-release and metadata. Metadata plays no part in a comparison.
 */
import { BuiltinError, builtinTable, stringArg } from "../builtin.ts";
import { compareNumberText } from "../rego-value/number.ts";
import { regoInteger } from "../rego-value/value.ts";

type Version = { readonly numbers: readonly bigint[]; readonly preRelease: string };

const IDENTIFIERS = /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
const MAX_INT64 = 2n ** 63n;

function parse(text: string): Version | undefined {
  const [beforeMetadata, metadata] = cut(text.replace(/^v/, ""), "+");
  const [core, preRelease] = cut(beforeMetadata, "-");
  if ([metadata, preRelease].some((part) => part !== "" && !IDENTIFIERS.test(part))) return undefined;
  const parts = core.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^\d{1,100}$/.test(part))) return undefined;
  const numbers = parts.map(BigInt);
  return numbers.every((number) => number < MAX_INT64) ? { numbers, preRelease } : undefined;
}

function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function compare(a: Version, b: Version): number {
  for (const [at, number] of a.numbers.entries()) {
    const other = b.numbers[at] ?? 0n;
    if (number !== other) return number < other ? -1 : 1;
  }
  if (a.preRelease === b.preRelease) return 0;
  if (a.preRelease === "" || b.preRelease === "") return a.preRelease === "" ? 1 : -1;
  return comparePreRelease(a.preRelease.split("."), b.preRelease.split("."));
}

function comparePreRelease(left: readonly string[], right: readonly string[]): number {
  for (const [at, a] of left.entries()) {
    const b = right[at];
    if (b === undefined) return 1;
    if (a === b) continue;
    const [isNumberA, isNumberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
    if (!isNumberA) return a < b ? -1 : 1;
    const order = compareNumberText(a, b);
    if (order !== 0) return Math.sign(order);
  }
  return left.length < right.length ? -1 : 0;
}

function valid(text: string): Version {
  const version = parse(text);
  if (version === undefined) throw new BuiltinError("not a valid SemVer");
  return version;
}

export const SEMVER = builtinTable([
  ["semver.compare", (args) => regoInteger(compare(valid(stringArg(args, 0)), valid(stringArg(args, 1))))],
  ["semver.is_valid", ([text]) => typeof text === "string" && parse(text) !== undefined],
]);
