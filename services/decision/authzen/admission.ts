/**
 * How many requests may begin in one turn of the event loop and be in progress at once, whichever way they take, and whether shutdown has begun.
 * NB: a request waits for a turn and takes a place only when its body is complete; otherwise half a body would hold them for as long as a body
 * may take.
 */
import { createTurns } from "../../../platform/turns.ts";

/** A burst that is answered in good time, by evaluations that wait for nothing, is larger than what may be under way; what is held of bodies is bounded by it. */
const WAITING_PER_PLACE = 4;

export type Admission = {
  /** Undefined: go on. Otherwise resolves to whether to go on. */
  turn(): Promise<boolean> | undefined;
  /** Whether `enter` would give a place now: asked before anything is done that is for nothing without one. */
  hasRoom(): boolean;
  /** Undefined: there are enough. Otherwise how to leave, which counts once, however often it is called. */
  enter(): Leave | undefined;
  close(): void;
  isClosed(): boolean;
};

type Leave = () => void;

export function createAdmission({ maxInFlight }: { readonly maxInFlight: number }): Admission {
  const turns = createTurns({ maxWaiting: maxInFlight * WAITING_PER_PLACE });
  let inFlight = 0;
  let closed = false;

  const hasRoom = () => inFlight < maxInFlight;

  return {
    turn: turns.wait,
    hasRoom,
    enter() {
      if (!hasRoom()) return undefined;
      inFlight += 1;
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        inFlight -= 1;
      };
    },
    close() {
      closed = true;
    },
    isClosed: () => closed,
  };
}
