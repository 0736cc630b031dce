/**
 * The fuel of one instance: the global that meter-fuel.ts wrote into its module. Work of the host on the policy's behalf is
 * paid from the same global, so a loop of built-ins ends like any other loop.
 */
import { AppError } from "../../domain/app-error.ts";
import { FUEL_EXPORT } from "./meter-fuel.ts";

/** Thrown out of WebAssembly by the host; a trap inside says the same by fuel below zero. */
export class OutOfFuel extends Error {}

export type Fuel = {
  fill(units: number): void;
  /** Below zero once it has run out. */
  left(): number;
  /** @throws OutOfFuel */
  charge(units: number): void;
};

/** @throws AppError invalid_bundle when the module was not metered */
export function fuelOf(instance: WebAssembly.Instance): Fuel {
  const global = instance.exports[FUEL_EXPORT];
  if (!(global instanceof WebAssembly.Global)) throw new AppError("invalid_bundle", "the policy module is not metered");
  const left = () => Number(global.value);
  return {
    fill(units) {
      global.value = units;
    },
    left,
    charge(units) {
      const rest = left() - Math.ceil(units);
      // NB: the global wraps around below -2^31, which would be a full tank.
      global.value = Math.max(rest, -1);
      if (rest < 0) throw new OutOfFuel();
    },
  };
}
