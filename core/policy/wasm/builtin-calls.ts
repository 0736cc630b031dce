/**
 * The host's side of `opa_builtin0` to `opa_builtin4`: arguments out, the built-in of our registry, its answer in. A
 * `BuiltinError` makes the expression undefined and is noted with the rule that called.
 *
 * NB: a built-in runs outside of the metered module, so it is paid for here before it runs, by its price. What
 * crosses is bounded. Each of these ends the evaluation. It must not just leave an expression undefined: who can send 10 MB could then switch a deny off.
 * Work is what counts, so that a decision does not depend on how busy the machine is; the clock (`longestMs`) is only there
 * for a built-in whose price is wrong by far.
 */
import { Unanswered } from "../asks.ts";
import { type Builtin, type BuiltinCall, BuiltinError, BuiltinLimit, type BuiltinTable } from "../builtin.ts";
import { PER_NESTED_VALUE, PER_RESULT_CHARACTER, type Price, priceOf } from "../builtins/prices.ts";
import { parseCounted, TooDeep } from "../rego-value/parse.ts";
import type { RegoValue } from "../rego-value/value.ts";
import { isLongerThan, writeRego } from "../rego-value/write.ts";
import { Aborted, BuiltinBroke, BuiltinExceeded, type BuiltinFailure, isStackOverflow } from "./evaluation.ts";
import { type Fuel, OutOfFuel } from "./fuel.ts";
import type { InstanceValues } from "./instance-values.ts";
import { callingRule } from "./running-rule.ts";

/** In fuel, of a call that fails: an error is made, and for the first of them the stack is read to find the rule. */
const PER_FAILURE = 40_000;
/** Of which the rule is looked for; a policy that goes over many things can fail at each of them, and a reader needs no more. */
const MAX_NOTED = 16;

/** Characters of the arguments of one call, and of its answer, as Rego text. */
const MAX_BUILTIN_TEXT = 1 << 20;

type BuiltinCalls = {
  readonly call: (id: number, context: number, ...addresses: number[]) => number;
  /** For the next evaluation. `longestMs`: for all built-ins together. */
  begin(context: EvaluationContext, longestMs: number): void;
  /** Without one, built-ins are not available: while a module is linked. */
  end(): void;
  failures(): readonly BuiltinFailure[];
};

/** What every built-in of one evaluation sees alike. */
export type EvaluationContext = Omit<BuiltinCall, "pay">;

type BuiltinCallsDeps = {
  readonly builtins: BuiltinTable;
  readonly nameOf: (id: number) => string;
  readonly values: InstanceValues;
  readonly fuel: () => Fuel;
  readonly monotonicMs: () => number;
};

type Served = { readonly name: string; readonly builtin: Builtin | undefined; readonly price: Price };

export function createBuiltinCalls({ builtins, nameOf, values, fuel, monotonicMs }: BuiltinCallsDeps): BuiltinCalls {
  const served = new Map<number, Served>();
  let failures: BuiltinFailure[] = [];
  let current: BuiltinCall | undefined;
  let leftMs = 0;
  let until = 0;
  const pay = (units: number) => {
    fuel().charge(units);
    if (monotonicMs() > until) throw new BuiltinLimit("it takes too long");
  };

  /** NB: not before all names are known, which is when nothing is being linked any more. */
  function servedAs(id: number): Served {
    const known = served.get(id);
    if (known !== undefined) return known;
    const name = nameOf(id);
    const found = { name, builtin: builtins.get(name), price: priceOf(name) };
    served.set(id, found);
    return found;
  }

  function readArguments({ name, price }: Served, addresses: readonly number[]): readonly RegoValue[] {
    fuel().charge(price.call);
    let length = 0;
    return addresses.map((address) => {
      const before = fuel().left();
      const text = values.dump(address);
      // Its price has the writing in it, which the module pays for by its longest way.
      fuel().fill(before);
      length += text.length;
      if (length > MAX_BUILTIN_TEXT) throw new BuiltinExceeded(`${name}: arguments are too large`);
      fuel().charge(text.length * price.perCharacter);
      const { value, count } = parseCounted(text, "rego");
      fuel().charge((count - 1) * PER_NESTED_VALUE);
      return value;
    });
  }

  function writeResult(value: RegoValue): number {
    if (isLongerThan(value, MAX_BUILTIN_TEXT)) throw new BuiltinExceeded("the result is too large");
    const text = writeRego(value);
    fuel().charge(text.length * PER_RESULT_CHARACTER);
    const address = values.parse(text);
    if (address === 0) throw new BuiltinError("result cannot be represented");
    return address;
  }

  function run(called: Served, addresses: readonly number[], call: BuiltinCall): number {
    const { name, builtin } = called;
    if (builtin === undefined) throw new BuiltinBroke(`built-in ${name} is not available`);
    const begin = monotonicMs();
    until = begin + leftMs;
    try {
      const result = builtin(readArguments(called, addresses), call);
      return result === undefined ? 0 : writeResult(result);
    } finally {
      leftMs -= monotonicMs() - begin;
      refuseLate();
    }
  }

  function refuseLate(): void {
    if (leftMs < 0) throw new BuiltinExceeded("built-ins took too long");
  }

  return {
    call(id, _context, ...addresses) {
      if (current === undefined) throw new BuiltinBroke(`built-in ${nameOf(id)} is not available`);
      const called = servedAs(id);
      const { name } = called;
      try {
        return run(called, addresses, current);
      } catch (error) {
        // NB: noted where the replies are (policy-runner.ts), so whatever comes of the rest counts for nothing.
        if (error instanceof Unanswered) return 0;
        if (error instanceof BuiltinLimit) throw new BuiltinExceeded(`${name}: ${error.message}`, { cause: error });
        if (error instanceof BuiltinError) {
          fuel().charge(PER_FAILURE);
          const { message, shownAs = name } = error;
          if (failures.length < MAX_NOTED) failures.push({ builtin: shownAs, message, rule: callingRule() });
          return 0;
        }
        throw passesThrough(error) ? error : new BuiltinBroke(`built-in ${name} broke`, { cause: error });
      }
    },
    begin(context, longestMs) {
      failures = [];
      current = { ...context, pay };
      leftMs = longestMs;
    },
    end() {
      current = undefined;
    },
    failures: () => failures,
  };
}

/** What ends the evaluation for a reason of its own: its budget, or a trap inside the runtime's functions called here. */
const ENDING = [OutOfFuel, BuiltinExceeded, BuiltinBroke, Aborted, TooDeep, WebAssembly.RuntimeError] as const;

function passesThrough(error: unknown): boolean {
  return isStackOverflow(error) || ENDING.some((kind) => error instanceof kind);
}
