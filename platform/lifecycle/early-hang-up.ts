/**
 * SIGHUP while a process starts, which would end it: noted from the moment this is loaded, so main.ts loads it before anything else, and made good by
 * one reload once the parts are there that take it (reload.ts). The listener stays to the end, also of the drain. A process that was forked tells the
 * one that forked it, which keeps SIGHUP until then (services/decision/workers/workers.ts).
 *
 * NB: what comes before this ends the process still: the boot of Node, which sets every signal to its default, and what is loaded ahead of a program
 * (platform/programs/launch). It is some hundredths of a start; whoever sends SIGHUP within it has to start the process again.
 */
let isNoted = false;
process.on("SIGHUP", () => {
  isNoted = true;
});
process.send?.("hears SIGHUP", () => {}); // whoever forked it may be gone

/** Whether one has come so far. */
export const wasHungUp = (): boolean => isNoted;
