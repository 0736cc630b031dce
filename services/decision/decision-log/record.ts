/**
 * Puts decisions into the spool of one boot. Those of one turn of the event loop form a group, written together at its end and answered together,
 * with one promise for all. They reach the disk within 100 ms; under `audit: required` the group waits for that.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { LogEntry } from "../ports.ts";
import { loggedDecision } from "./logged-decision.ts";
import type { Spool } from "./spool.ts";

type Outcome = "recorded" | "failed";

export type RecorderDeps = {
  readonly spool: Spool;
  readonly log: Log;
  /** Counts decisions by whether they were recorded. */
  readonly counted: (outcome: "written" | "full" | "broken", decisions: number) => void;
  /** Called when there is something to ship. */
  readonly onWritten: () => void;
};

export type Recorder = {
  append(entry: LogEntry): Promise<Outcome>;
  /** Why decisions are not being recorded. */
  failing(): string | undefined;
  /**
   * What was appended is written, the log says that it ends at `time`, and all of it is on the disk. Nothing is recorded behind that.
   * False: the spool did not take that last record.
   */
  close(time: string): Promise<boolean>;
};

type Group = { decisions: number; readonly answer: Promise<Outcome>; readonly resolve: (outcome: Outcome) => void };

/** The answer may wait this long for its group under `required`; otherwise the disk follows within the longer one. */
const GROUP_MS = 5;
const LAZY_SYNC_MS = 100;
const FAILED = Promise.resolve<Outcome>("failed");

export function createRecorder(
  { spool, log, counted, onWritten }: RecorderDeps,
  { required }: { readonly required: boolean },
): Recorder {
  let failing: string | undefined;
  /** Some decisions since the last write were refused, so the log is incomplete although the others were written. */
  let refusedThisTurn = false;
  let closed = false;
  /** Appended and not written yet: until the end of this turn of the event loop. */
  let unwritten: Group | undefined;
  /** Written and waiting for the disk, under `required`. */
  let waiting: Group[] = [];
  let syncTimer: NodeJS.Timeout | undefined;
  let syncing: Promise<void> = Promise.resolve();

  function notRecorded(outcome: "full" | "broken", decisions: number): void {
    counted(outcome, decisions);
    if (failing === undefined)
      log.error(
        { event: "decision_not_recorded", outcome },
        "the spool takes no more decisions; look at the disk of decisionLog.folder and at the stream",
      );
    failing = `the spool is ${outcome}`;
  }

  function tryAppend(entry: LogEntry): "appended" | "full" | "broken" {
    // NB: nothing may follow the record that closes the log.
    if (closed) return "broken";
    try {
      return spool.append(loggedDecision(entry));
    } catch (error) {
      log.error(
        { event: "decision_without_form", err: error },
        "a decision could not be encoded and is not on record; this is a bug in Countersign: report it with err",
      );
      return "broken";
    }
  }

  function writeGroup(): void {
    const refused = refusedThisTurn;
    refusedThisTurn = false;
    if (unwritten === undefined) return;
    const group = unwritten;
    unwritten = undefined;
    const outcome = spool.write();
    if (outcome === "broken") {
      notRecorded(outcome, group.decisions);
      group.resolve("failed");
      return;
    }
    counted(outcome, group.decisions);
    if (!refused) failing = undefined;
    onWritten();
    syncTimer ??= setTimeout(syncSoon, required ? GROUP_MS : LAZY_SYNC_MS);
    if (required) waiting.push(group);
    else group.resolve("recorded");
  }

  function syncSoon(): void {
    syncTimer = undefined;
    syncing = syncing.then(syncGroups);
  }

  async function syncGroups(): Promise<void> {
    const groups = waiting;
    waiting = [];
    try {
      await spool.sync();
      for (const { resolve } of groups) resolve("recorded");
    } catch (error) {
      failing = "the spool cannot be synced";
      log.error(
        { event: "decision_log_sync_failed", err: error },
        "the spool cannot be synced; look at the disk of decisionLog.folder",
      );
      for (const { resolve } of groups) resolve("failed");
    }
  }

  return {
    append(entry) {
      const outcome = tryAppend(entry);
      if (outcome !== "appended") {
        notRecorded(outcome, 1);
        refusedThisTurn = true;
        return FAILED;
      }
      if (unwritten === undefined) {
        const { promise: answer, resolve } = Promise.withResolvers<Outcome>();
        unwritten = { decisions: 0, answer, resolve };
        setImmediate(writeGroup);
      }
      unwritten.decisions += 1;
      return unwritten.answer;
    },
    failing: () => failing,
    async close(time) {
      writeGroup();
      closed = true;
      clearTimeout(syncTimer);
      const isAppended = spool.append({ kind: "log_closed", time, tail: "complete" }) === "appended";
      const isClosed = isAppended && spool.write() === "written";
      await syncing.then(syncGroups);
      return isClosed;
    },
  };
}
