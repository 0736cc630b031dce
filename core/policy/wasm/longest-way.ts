/**
 * How many instructions a body may run before it branches back, and how many a round of each of its loops: the longest of
 * all ways. Code of WebAssembly is nested blocks, and only a branch to a loop goes back, so one pass in the order of the
 * text finds them: whatever leads to a place stands before it.
 *
 * An arm is what need not be gone through: from an `if`, an `else`, or the end of a block that is only left by branches, to
 * the end of the block around it. It is entered at its beginning alone. A long one pays for itself, and to what is around
 * it has no length: else whoever compares two numbers pays for what comparing two objects takes.
 */
import type { Turn } from "./binary/code.ts";
import { BinaryFault } from "./binary/leb128.ts";

type Ways = {
  /** From the entry to wherever a way is longest, each loop gone through once. */
  readonly whole: number;
  /** In the order of the text. */
  readonly rounds: readonly Round[];
  /** Those that pay for themselves, in no order. */
  readonly arms: readonly Arm[];
};

/** What ends at a branch that goes back. */
export type Round = {
  readonly branch: Turn;
  /** Of the longest. */
  readonly size: number;
  /** The branch is `br_if` and brings nothing to the loop: it may be put into an `if`. */
  readonly isSimple: boolean;
};

export type Arm = {
  /** Offset of its first instruction. */
  readonly at: number;
  /** Of the longest way through it. */
  readonly size: number;
};

/** In instructions. A shorter one would cost more to pay for than it is charged too much. */
const SHORTEST_ARM = 150;

/** Of what is not reached. Adding to it changes nothing. */
const NOWHERE = Number.NEGATIVE_INFINITY;

/** A body or an arm. Ways are counted from where it begins. */
type Stretch = {
  readonly at: number;
  /** The longest way to where it begins, in the stretch around it. */
  readonly begin: number;
  longest: number;
  /** Ways to blocks around it. */
  readonly out: Way[];
};
type Way = { readonly to: Block; readonly length: number; readonly round: Sized | undefined };
type Sized = { branch: Turn; size: number; isSimple: boolean };

type Block = {
  readonly kind: "block" | "loop" | "if" | "body";
  readonly hasType: boolean;
  /** How many stretches are around it. */
  readonly depth: number;
  /** The longest way to where it begins. */
  readonly begin: number;
  /** The longest way to its end that is known so far; for an `if` without `else`, also around it. */
  end: number;
};

/** @throws BinaryFault when the blocks are not those of a body */
export function waysOf(turns: readonly Turn[], sizeOf: (turn: Turn) => number): Ways {
  const rounds: Sized[] = [];
  const arms: Arm[] = [];
  const body: Stretch = { at: 0, begin: 0, longest: 0, out: [] };
  const stretches = [body];
  const open: Block[] = [{ kind: "body", hasType: false, depth: 1, begin: 0, end: NOWHERE }];
  let way = 0;

  const inner = (): Stretch => stretches.at(-1) ?? body;

  function target(depth: number): Block {
    const found = open[open.length - 1 - depth];
    if (found === undefined) throw new BinaryFault("a branch to nowhere");
    return found;
  }

  function openBlock(kind: Block["kind"], hasType = false): void {
    open.push({ kind, hasType, depth: stretches.length, begin: way, end: kind === "if" ? way : NOWHERE });
  }

  function beginArm(at: number): void {
    if (way === NOWHERE) return;
    stretches.push({ at, begin: way, longest: 0, out: [] });
    way = 0;
  }

  /** Of the block that is being closed: those that began inside of it. */
  function endArms({ depth }: Block): void {
    while (stretches.length > depth) {
      const { at, begin, longest, out } = stretches.pop() ?? body;
      const pays = longest >= SHORTEST_ARM;
      if (pays) arms.push({ at, size: longest });
      const seen = (length: number): number => (pays && length !== NOWHERE ? begin : begin + length);
      inner().longest = Math.max(inner().longest, seen(longest));
      way = seen(way);
      for (const { to, length, round } of out) goTo(to, seen(length), round);
    }
  }

  function goTo(to: Block, length: number, round: Sized | undefined): void {
    if (to.depth < stretches.length) inner().out.push({ to, length, round });
    else if (to.kind !== "loop") to.end = Math.max(to.end, length);
    else if (round !== undefined && length !== NOWHERE) round.size = Math.max(round.size, length - to.begin);
  }

  for (const [index, turn] of turns.entries()) {
    const { instruction } = turn;
    way += turn.before + sizeOf(turn);
    inner().longest = Math.max(inner().longest, way);
    switch (instruction.kind) {
      case "block":
        openBlock("block");
        break;
      case "loop":
        openBlock("loop", instruction.hasType);
        break;
      case "if":
        openBlock("if");
        beginArm(turn.end);
        break;
      case "else": {
        const around = target(0);
        endArms(around);
        around.end = Math.max(around.end, way);
        way = around.begin;
        beginArm(turn.end);
        break;
      }
      case "end": {
        const around = target(0);
        endArms(around);
        const isOnlyBranchedTo = around.kind === "block" && way === NOWHERE;
        way = Math.max(way, around.end);
        open.pop();
        if (isOnlyBranchedTo) beginArm(turn.end);
        break;
      }
      case "call":
      case "indirect call":
        break;
      case "leave":
        way = NOWHERE;
        break;
      case "branch": {
        const to = instruction.depths.map(target);
        const loops = to.filter(({ kind }) => kind === "loop");
        const isSimple = instruction.isConditional && loops.every(({ hasType }) => !hasType);
        const round = loops.length > 0 ? { branch: turn, size: 0, isSimple } : undefined;
        if (round !== undefined) rounds.push(round);
        for (const one of to) goTo(one, way, round);
        if (!instruction.isConditional) way = NOWHERE;
        break;
      }
    }
    if (open.length === 0 && index !== turns.length - 1) throw new BinaryFault("a body goes on after its end");
  }
  if (open.length > 0) throw new BinaryFault("a body does not end");
  return { whole: body.longest, rounds, arms };
}
