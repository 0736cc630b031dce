/** What the watch in the service's process tells whoever started it: where they agree on its form. Milliseconds throughout. */
import { type Static, Type } from "typebox";

export const REPORT_FILE = "stalls.json";
/** Of our own code, outside garbage collection: longer is a stall. */
export const STALL_MS = 25;

/** Pauses are told with a delay; a look that came late is judged when they surely have been. */
export const JUDGE_AFTER_MS = 500;

const StallSchema = Type.Object({
  /** Since the watch began. */
  atS: Type.Number(),
  /** From one look at the clock to the next. */
  wallMs: Type.Number(),
  /** What the main thread had and waited for meanwhile, and how much of it was our own code's (own-time.ts). */
  cpuMs: Type.Number(),
  idleMs: Type.Number(),
  gcMs: Type.Number(),
  queuedMs: Type.Number(),
  switches: Type.Integer(),
  ownMs: Type.Number(),
});

const PausesSchema = Type.Object({
  kind: Type.String(),
  count: Type.Integer(),
  totalMs: Type.Number(),
  longestMs: Type.Number(),
});

export const ReportSchema = Type.Object({
  /** Milliseconds since 1970. */
  writtenAt: Type.Number(),
  watchedS: Type.Number(),
  /** Of perf_hooks.monitorEventLoopDelay: whatever it was that delayed the loop. */
  delayP50Ms: Type.Number(),
  delayP99Ms: Type.Number(),
  delayMostMs: Type.Number(),
  /** The longest that our own code kept the loop, in each second that was watched. */
  ownMostMs: Type.Array(Type.Number()),
  stalls: Type.Array(StallSchema),
  pauses: Type.Array(PausesSchema),
});

export type Stall = Static<typeof StallSchema>;
export type Report = Static<typeof ReportSchema>;
