/**
 * Puts decisions into the spool of one boot. Those of one turn of the event loop form a group, encoded, written and answered together at its end,
 * with one promise for all. They reach the disk within 100 ms; under `audit: required` the group waits for that.
 *
 * Encoded in a row they are cheaper than each behind its own check, where the processor has other code at hand every time.
 */
import type { Log } from "../../../platform/log/log.ts";
import type { LogEntry } from "../ports.ts";
import { loggedDecision } from "./logged-decision.ts";
import type { Spool } from "./spool.ts";

/** Of a group, by identity: hardly ever is there any. */
type NotRecorded = ReadonlySet<LogEntry>;

export type RecorderDeps = {
  readonly spool: Spool;
  readonly log: Log;
  /** Counts decisions by whether they were recorded. */
  readonly counted: (outcome: "written" | "full" | "broken", decisions: number) => void;
  /** Called when there is something to ship. */
  readonly onWritten: () => void;
};

export type Recorder = {
  /** Resolves to those of its group that are not on record. NB: it is encoded at the end of the turn, so nobody may change it any more. */
  append(entry: LogEntry): Promise<NotRecorded>;
  /** Why decisions are not being recorded. */
  failing(): string | undefined;
  /**
   * What was appended is written, the log says that it ends at `time`, and all of it is on the disk. Nothing is recorded behind that.
   * False: the spool did not take that last record.
   */
  close(time: string): Promise<boolean>;
};

type Group = {
  readonly entries: LogEntry[];
  /** Known when it is written. */
  lost: NotRecorded;
  readonly answer: Promise<NotRecorded>;
  readonly resolve: (lost: NotRecorded) => void;
};

/** The answer may wait this long for its group under `required`; otherwise the disk follows within the longer one. */
const GROUP_MS = 5;
const LAZY_SYNC_MS = 100;
const NONE: NotRecorded = new Set();

export function createRecorder(
  { spool, log, counted, onWritten }: RecorderDeps,
  { required }: { readonly required: boolean },
): Recorder {
  let failing: string | undefined;
  let closed = false;
  /** Until the end of this turn of the event loop. */
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

  function isRefused(entry: LogEntry): boolean {
    const outcome = tryAppend(entry);
    if (outcome !== "appended") notRecorded(outcome, 1);
    return outcome !== "appended";
  }

  function writeGroup(): void {
    if (unwritten === undefined) return;
    const group = unwritten;
    unwritten = undefined;
    const { entries, resolve } = group;
    const refused = entries.filter(isRefused);
    const appended = entries.length - refused.length;
    if (refused.length > 0) group.lost = new Set(refused);
    if (appended === 0) {
      resolve(group.lost);
      return;
    }
    const outcome = spool.write();
    if (outcome === "broken") {
      notRecorded(outcome, appended);
      resolve(new Set(entries));
      return;
    }
    counted(outcome, appended);
    // Others of the group are not in the log, so it is incomplete although these were written.
    if (refused.length === 0) failing = undefined;
    onWritten();
    syncTimer ??= setTimeout(syncSoon, required ? GROUP_MS : LAZY_SYNC_MS);
    if (required) waiting.push(group);
    else resolve(group.lost);
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
      for (const { resolve, lost } of groups) resolve(lost);
    } catch (error) {
      failing = "the spool cannot be synced";
      log.error(
        { event: "decision_log_sync_failed", err: error },
        "the spool cannot be synced; look at the disk of decisionLog.folder",
      );
      for (const { resolve, entries } of groups) resolve(new Set(entries));
    }
  }

  return {
    append(entry) {
      if (unwritten === undefined) {
        const { promise: answer, resolve } = Promise.withResolvers<NotRecorded>();
        unwritten = { entries: [], lost: NONE, answer, resolve };
        setImmediate(writeGroup);
      }
      unwritten.entries.push(entry);
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
