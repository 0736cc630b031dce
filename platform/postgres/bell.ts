/**
 * Notifies channels on which others listen (wakeup.ts) after a commit instead of in it. Postgres commits transactions that notify one at a time,
 * so a statement executed thousands of times a second must not. A lost notification costs a listener one poll.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../log/log.ts";
import type { Queryable } from "./pool.ts";

interface Bell {
  /** Rings soon: the first call at once, those that come meanwhile together. Never throws. */
  ring(): void;
}

/**
 * Between two rings: what comes in between is found by one look. A look costs as much for one row as for a hundred, and of a row that changes
 * often it finds only the last state, so the pause is as long as whoever waits for the result can bear.
 */
const PAUSE_MS = 100;

export function createBell(
  { database, log }: { readonly database: Queryable; readonly log: Log },
  channels: readonly string[],
): Bell {
  let asked = false;
  let ringing = false;

  async function ringWhileAsked(): Promise<void> {
    ringing = true;
    try {
      while (asked) {
        asked = false;
        await database.query("select pg_notify(channel, '') from unnest($1::text[]) as channel", [channels], "ring");
        await sleep(PAUSE_MS, undefined, { ref: false });
      }
    } catch (error) {
      log.debug({ event: "wakeup_not_rung", err: error, channels }, "cannot notify the readers; they poll");
    } finally {
      ringing = false;
    }
  }

  return {
    ring() {
      asked = true;
      if (!ringing) void ringWhileAsked();
    },
  };
}
