/** `uuid.*`, `semver.*`, `rand.intn`, `opa.runtime`, `trace`. Randomness is fixed within one evaluation by its purpose. */
import { type Builtin, BuiltinError, builtinTable, smallIntegerArg, stringArg } from "../builtin.ts";
import { compareNumberText } from "../rego-value/number.ts";
import { RegoObject, regoInteger } from "../rego-value/value.ts";

const uuid: Builtin = (args, call) => {
  const bytes = Buffer.from(call.randomBytes(`uuid:${stringArg(args, 0)}`, 16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
};

const randomInteger: Builtin = (args, call) => {
  const bound = Math.abs(smallIntegerArg(args, 1));
  if (bound === 0) return regoInteger(0);
  const bytes = Buffer.from(call.randomBytes(`intn:${stringArg(args, 0)}:${bound}`, 16));
  return regoInteger(bytes.readBigUInt64BE(0) % BigInt(bound));
};

const SEMVER = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

function compareSemver(a: string, b: string): number {
  const x = SEMVER.exec(a);
  const y = SEMVER.exec(b);
  if (x === null || y === null) throw new BuiltinError("not a semantic version");
  for (const part of [1, 2, 3]) {
    const order = compareNumberText(x[part] ?? "0", y[part] ?? "0");
    if (order !== 0) return Math.sign(order);
  }
  const [left, right] = [x[4], y[4]];
  if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
  return comparePrerelease(left.split("."), right.split("."));
}

function comparePrerelease(left: readonly string[], right: readonly string[]): number {
  for (const [at, a] of left.entries()) {
    const b = right[at];
    if (b === undefined) return 1;
    if (a === b) continue;
    const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
    if (numericA && numericB) return Math.sign(compareNumberText(a, b));
    if (numericA !== numericB) return numericA ? -1 : 1;
    return a < b ? -1 : 1;
  }
  return left.length < right.length ? -1 : 0;
}

export const IDENTIFIERS = builtinTable([
  ["uuid.rfc4122", uuid],
  ["rand.intn", randomInteger],
  ["semver.compare", (args) => regoInteger(compareSemver(stringArg(args, 0), stringArg(args, 1)))],
  ["semver.is_valid", (args) => typeof args[0] === "string" && SEMVER.test(args[0])],
  // NB: the real one exposes the environment and the configuration of the process.
  ["opa.runtime", () => new RegoObject([])],
  ["trace", () => true],
]);
