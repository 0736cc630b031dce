/**
 * Lowers the priority of a thread beside the event loop, where threads have one of their own (Linux): on a machine without a spare core it would
 * otherwise take turns with the event loop. Not to the lowest: while that core is always busy, its work would not be done for a minute.
 */
import { constants, setPriority } from "node:os";

/** Of the thread that calls it. Elsewhere it would be the whole process. */
export function lowerPriority(): void {
  if (process.platform !== "linux") return;
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It may be forbidden; then it runs like any other.
  }
}
