/**
 * Load under which services may die at any moment: people who are denied, ask, approve, use, revoke and let grants lapse; readers; and
 * somebody who writes what nobody can read. Beside it the hands with which the test makes the work that reaches a crash point (work.ts).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { System } from "../../harness/system.ts";
import { createForger } from "../forging.ts";
import { createHands, type Hands, PAUSE_MS } from "./hands.ts";
import { createLedger, type Ledger } from "./ledger.ts";
import { letGrantLapse, read, revoke, use } from "./people.ts";
import { writeGarbage } from "./quarantine.ts";

/** Between two stories of one hand: a soak of half an hour is to be read to its end again, by the account and by each restart. */
const STORY_PAUSE_MS = 200;

type Traffic = { readonly ledger: Ledger; readonly hands: Hands; stop(): Promise<void> };

export function startTraffic(system: System): Traffic {
  const ledger = createLedger();
  let on = true;
  const forger = createForger(system.openStream());
  const hands = createHands(system, forger, ledger, () => on);

  async function whileOn(work: (hands: Hands) => Promise<unknown>, pauseMs: number): Promise<void> {
    while (on) {
      await work(hands);
      await sleep(pauseMs);
    }
  }

  const all = Promise.all([
    whileOn(use, STORY_PAUSE_MS),
    whileOn(use, STORY_PAUSE_MS),
    whileOn(revoke, STORY_PAUSE_MS),
    whileOn(letGrantLapse, STORY_PAUSE_MS),
    whileOn(read, PAUSE_MS),
    whileOn(writeGarbage, 200),
  ]);
  all.catch(() => {}); // a test that fails first leaves them to the end of the system
  return {
    ...{ ledger, hands },
    async stop() {
      on = false;
      await all;
      await forger[Symbol.asyncDispose]();
    },
  };
}
