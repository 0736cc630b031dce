/** `rand.intn`, `trace`. Randomness is fixed within one evaluation by its purpose. */
import { type Builtin, builtinTable, integerArg, stringArg } from "../builtin.ts";
import { regoInteger } from "../rego-value/value.ts";

const randomInteger: Builtin = (args, call) => {
  const given = integerArg(args, 1);
  const bound = given < 0n ? -given : given;
  if (bound === 0n) return regoInteger(0);
  const bytes = Buffer.from(call.randomBytes(`intn:${stringArg(args, 0)}:${bound}`, 16));
  return regoInteger(((bytes.readBigUInt64BE(0) << 64n) | bytes.readBigUInt64BE(8)) % bound);
};

export const IDENTIFIERS = builtinTable([
  ["rand.intn", randomInteger],
  ["trace", () => true],
]);
