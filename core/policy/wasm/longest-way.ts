/**
 * How many instructions a body may run before it branches back, and how many a round of each of its loops: the longest of
 * all ways. Code of WebAssembly is nested blocks, and only a branch to a loop goes back, so one pass in the order of the
 * text finds them: whatever leads to a place stands before it.
 */
import type { Turn } from "./binary/code.ts";
import { BinaryFault } from "./binary/leb128.ts";

type Ways = {
  /** From the entry to wherever a way is longest, each loop gone through once. */
  readonly whole: number;
  /** In the order of the text. */
  readonly rounds: readonly Round[];
};

/** What ends at a branch that goes back. */
export type Round = {
  readonly branch: Turn;
  /** Of the longest. */
  readonly size: number;
  /** The branch is `br_if` and brings nothing to the loop: it may be put into an `if`. */
  readonly isSimple: boolean;
};

type Open = {
  readonly loop: { readonly hasType: boolean } | undefined;
  /** The longest way to where it begins. */
  readonly begin: number;
  /** The longest way to its end that is known so far; for an `if` without `else`, also around it. */
  end: number;
};

/** Of what is not reached. Adding to it changes nothing. */
const NOWHERE = Number.NEGATIVE_INFINITY;

/** @throws BinaryFault when the blocks are not those of a body */
export function waysOf(turns: readonly Turn[], sizeOf: (turn: Turn) => number): Ways {
  const rounds: Round[] = [];
  const open: Open[] = [{ loop: undefined, begin: 0, end: NOWHERE }];
  let way = 0;
  let whole = 0;

  function target(depth: number): Open {
    const found = open[open.length - 1 - depth];
    if (found === undefined) throw new BinaryFault("a branch to nowhere");
    return found;
  }

  for (const [index, turn] of turns.entries()) {
    const { instruction } = turn;
    way += turn.before + sizeOf(turn);
    whole = Math.max(whole, way);
    switch (instruction.kind) {
      case "block":
        open.push({ loop: undefined, begin: way, end: NOWHERE });
        break;
      case "loop":
        open.push({ loop: instruction, begin: way, end: NOWHERE });
        break;
      case "if":
        open.push({ loop: undefined, begin: way, end: way });
        break;
      case "else": {
        const { begin } = target(0);
        open.splice(-1, 1, { loop: undefined, begin, end: Math.max(way, target(0).end) });
        way = begin;
        break;
      }
      case "end":
        way = Math.max(way, target(0).end);
        open.pop();
        break;
      case "call":
      case "indirect call":
        break;
      case "leave":
        way = NOWHERE;
        break;
      case "branch": {
        const to = instruction.depths.map(target);
        for (const one of to) if (one.loop === undefined) one.end = Math.max(one.end, way);
        const loops = to.filter(({ loop }) => loop !== undefined);
        if (loops.length > 0) {
          const sizes = loops.map(({ begin }) => (way === NOWHERE ? 0 : way - begin));
          const isSimple = instruction.isConditional && loops.every(({ loop }) => loop?.hasType === false);
          rounds.push({ branch: turn, size: Math.max(...sizes), isSimple });
        }
        if (!instruction.isConditional) way = NOWHERE;
        break;
      }
    }
    if (open.length === 0 && index !== turns.length - 1) throw new BinaryFault("a body goes on after its end");
  }
  if (open.length > 0) throw new BinaryFault("a body does not end");
  return { whole, rounds };
}
