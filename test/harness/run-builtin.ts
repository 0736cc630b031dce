/** Calls one built-in with arguments written as Rego text and gives its answer as Rego text, or the word `error`, or `limit` where it would cost too much. */
import { Unanswered } from "../../core/policy/asks.ts";
import { BuiltinError, type BuiltinCall, BuiltinLimit, type BuiltinTable } from "../../core/policy/builtin.ts";
import { BUILTINS_AND_NETWORK } from "../../core/policy/builtins/registry.ts";
import { OPA_ANSWERS } from "../../core/policy/opa-answers.ts";
import { parseValue, TooDeep } from "../../core/policy/rego-value/parse.ts";
import { isRegoArray } from "../../core/policy/rego-value/value.ts";
import { writeRego } from "../../core/policy/rego-value/write.ts";

export const builtinCall: BuiltinCall = {
  nowNs: 1_700_000_000_123_456_789n,
  randomBytes: (_, length) => new Uint8Array(length),
  pay: () => undefined,
  reply: (builtin, key, ask) => {
    throw new Unanswered(builtin, key, ask);
  },
};

const ALL: BuiltinTable = new Map([...OPA_ANSWERS, ...BUILTINS_AND_NETWORK]);

/** `args` is a Rego array. `undefined` is an answer without being an error. */
export function runBuiltin(name: string, args: string, call = builtinCall, builtins = ALL): string {
  const values = parseValue(args, "rego");
  const builtin = builtins.get(name);
  if (builtin === undefined || !isRegoArray(values)) throw new Error(`no call of ${name}`);
  try {
    const answer = builtin(values, call);
    return answer === undefined ? "undefined" : writeRego(answer);
  } catch (error) {
    if (error instanceof BuiltinError) return "error";
    if (error instanceof BuiltinLimit || error instanceof TooDeep) return "limit";
    throw error;
  }
}

/** The same with plain values. */
export function callBuiltin(name: string, ...args: readonly unknown[]): string {
  return runBuiltin(name, JSON.stringify(args));
}
