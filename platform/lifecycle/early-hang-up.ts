/**
 * SIGHUP during the start, which would end the process: it is noted from the moment this file is loaded, so main.ts loads it before anything
 * else, and handled by one reload once the parts exist (reload.ts). The listener stays to the end, also while draining. A forked process tells
 * its parent, which holds SIGHUP back until then (services/decision/workers/workers.ts).
 *
 * NB: an earlier SIGHUP still ends the process: while Node boots, which sets every signal to its default, and while the modules ahead of a
 * program load (platform/programs/launch). That is a few hundredths of a start; whoever sends SIGHUP then has to start the process again.
 */
let isNoted = false;
process.on("SIGHUP", () => {
  isNoted = true;
});
process.send?.("hears SIGHUP", () => {}); // whoever forked it may be gone

/** Whether one has come so far. */
export const wasHungUp = (): boolean => isNoted;
