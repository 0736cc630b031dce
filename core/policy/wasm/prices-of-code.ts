/**
 * What each function of a module pays, and where. A function pays for its longest way when it is entered, a loop for the
 * longest way of a round when it branches back to begin another. A light function, one that is not part of a recursion and
 * whose longest way is short, does not pay: whoever calls it has it in its own way; through the table, where nobody knows
 * which it is, as the longest light one that may stand there. A long arm pays when it is entered. So whatever runs is paid,
 * at the entry of the function or the arm around it or at a branch back, or is a light function that the host called, which
 * calls a few times.
 */
import { type Turn, turnsOf } from "./binary/code.ts";
import { type Arm, type Round, waysOf } from "./longest-way.ts";

/** In instructions. */
export type Prices = {
  /** Offset inside the body of the first instruction. */
  readonly begin: number;
  /** At the entry; undefined: its callers pay. */
  readonly entry: number | undefined;
  readonly rounds: readonly Round[];
  readonly arms: readonly Arm[];
};

/** In instructions. More would be a little faster, and charge what is hardly ever run for what is. */
const LONGEST_LIGHT = 500;
/** Of a function that is called through the table, where nobody knows which it will be: most of them are far shorter. */
const LONGEST_LIGHT_IN_TABLE = 50;

/** `imported`: how many functions are imported, whose indices come first. `inTable`: indices of those in the table. */
type Indices = { readonly imported: number; readonly inTable: ReadonlySet<number> };

/** Of the functions of a module in their order. @throws BinaryFault */
export function pricesOf(bodies: readonly Uint8Array[], { imported, inTable }: Indices): readonly Prices[] {
  const functions = bodies.map(turnsOf);
  const calls = functions.map(({ turns }) => calledIn(turns).map((index) => index - imported));
  const { order, recursive } = calleesFirst(calls);
  const prices: Prices[] = [];
  const lightSizes = new Map<number, number>();
  const sizeOf = ({ instruction }: Turn): number => {
    if (instruction.kind === "call") return 1 + (lightSizes.get(instruction.index - imported) ?? 0);
    return instruction.kind === "indirect call" ? 1 + LONGEST_LIGHT_IN_TABLE : 1;
  };
  for (const at of order) {
    const { begin, turns } = functions[at] ?? { begin: 0, turns: [] };
    const { whole, rounds, arms } = waysOf(turns, sizeOf);
    const longest = inTable.has(at + imported) ? LONGEST_LIGHT_IN_TABLE : LONGEST_LIGHT;
    const isLight = whole <= longest && !recursive.has(at);
    if (isLight) lightSizes.set(at, whole);
    prices[at] = { begin, entry: isLight ? undefined : whole, rounds, arms };
  }
  return prices;
}

function calledIn(turns: readonly Turn[]): readonly number[] {
  const indices: number[] = [];
  for (const { instruction } of turns) if (instruction.kind === "call") indices.push(instruction.index);
  return indices;
}

/** Every function after those that it calls; those that are called while they are still being looked at close each circle of calls. */
function calleesFirst(calls: readonly (readonly number[])[]): {
  readonly order: readonly number[];
  readonly recursive: ReadonlySet<number>;
} {
  const order: number[] = [];
  const recursive = new Set<number>();
  const seen = new Set<number>();
  const inside = new Set<number>();
  for (const start of calls.keys()) {
    if (seen.has(start)) continue;
    const path = [{ at: start, next: 0 }];
    seen.add(start);
    inside.add(start);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const callee = calls[top.at]?.[top.next++];
      if (callee === undefined) {
        inside.delete(top.at);
        order.push(top.at);
        path.pop();
      } else if (inside.has(callee)) recursive.add(callee);
      else if (callee >= 0 && callee < calls.length && !seen.has(callee)) {
        seen.add(callee);
        inside.add(callee);
        path.push({ at: callee, next: 0 });
      }
    }
  }
  return { order, recursive };
}
