/**
 * A terminal sends Ctrl-C to the whole group in front: to us, and to npm, which passes its own on to us. The second one is the same, and must not
 * end us before everything has ended in order.
 */

/** npm takes some milliseconds, on a busy machine some more; who presses again because it takes too long, does so later. */
const SAME_MS = 1_000;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls at the first of the signals that end a program. One that comes much later is left to what the system does then: it ends us at once. */
export function onEndingSignal(call: () => void): void {
  let isEnding = false;
  const heard = () => {
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => {
      for (const signal of SIGNALS) process.off(signal, heard);
    }, SAME_MS).unref();
    call();
  };
  for (const signal of SIGNALS) process.on(signal, heard);
}
