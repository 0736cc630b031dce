/**
 * For a thread beside the event loop: a low priority where a thread can have one of its own (Linux): on a machine with no core to spare it
 * would otherwise take turns with the event loop. Not the lowest: while that core is busy all the time, its work would not be done for a minute.
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
