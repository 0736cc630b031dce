/**
 * Load under which services may die at any moment, and the ledger of what was acknowledged under it: people who are denied, ask, approve,
 * use, revoke, take back and let grants lapse; readers; security with incidents and the quarantine; somebody who writes what nobody can
 * read; time that passes; and a database that is set back. What gets no answer is done again, as a person would; only what was answered
 * stands in the ledger.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { TOPICS } from "../../../core/messages/topics.ts";
import { textAt } from "../../../platform/programs/client.ts";
import type { System } from "../../harness/system.ts";
import { createForger } from "../forging.ts";
import { letTimePass } from "./time-passes.ts";
import { abandonDenial, askInVain } from "./in-vain.ts";
import { createHands, createLedger, type Hands, type Ledger, PAUSE_MS } from "./ledger.ts";
import { createQuarantineWatch, raiseIncident } from "./security.ts";
import { setBackGrant } from "./set-back.ts";

type Traffic = { readonly ledger: Ledger; stop(): Promise<void> };

export async function startTraffic(system: System): Promise<Traffic> {
  const ledger = createLedger();
  let on = true;
  const hands = createHands(system, ledger, () => on);

  async function whileOn(work: () => Promise<unknown>, pauseMs: number): Promise<void> {
    while (on) {
      await work();
      await sleep(pauseMs);
    }
  }

  const forger = createForger(system.kafka.settings);
  const garbage = async () => {
    await forger.write({ topic: TOPICS.denials.name, key: "nobody", value: Buffer.from(`garbage ${ledger.forged}`) });
    ledger.forged += 1;
  };
  /** Over what stands last of a grant that has ended, which has to be said again. */
  const overwrite = async () => {
    const [newest] = [...ledger.grants].findLast(([, steps]) => steps.size > 1) ?? [];
    const key = `grant/${newest}`;
    if (newest !== undefined) await forger.write({ topic: TOPICS.state.name, key, value: Buffer.from("garbage") });
  };
  const read = async () => {
    const { proxy } = await hands.dana();
    await hands.surely(
      () => proxy("PUT", "/orders/42", { body: {} }),
      () => false,
    );
  };
  const all = Promise.all([
    whileOn(() => use(hands), 0),
    whileOn(() => use(hands), 0),
    whileOn(() => revoke(hands), 0),
    whileOn(() => lapse(hands), PAUSE_MS),
    whileOn(() => askInVain(hands), PAUSE_MS),
    whileOn(() => abandonDenial(hands), 500),
    whileOn(() => raiseIncident(hands), PAUSE_MS),
    whileOn(createQuarantineWatch(hands), 200),
    whileOn(() => setBackGrant(hands), 1_000),
    whileOn(() => letTimePass(hands), 500),
    whileOn(read, PAUSE_MS),
    whileOn(garbage, 200),
    whileOn(overwrite, 1_000),
  ]);
  all.catch(() => {}); // a test that fails first leaves them to the end of the system
  return {
    ledger,
    async stop() {
      on = false;
      await all;
      await forger[Symbol.asyncDispose]();
    },
  };
}

async function use({ surely, grant, dana }: Hands): Promise<void> {
  const granted = await grant("30m");
  if (granted === undefined) return;
  const { order, id, approvals } = granted;
  const isUsed = async () => {
    const now = await surely(
      () => approvals("GET", `/v1/grants/${id}`),
      ({ status }) => status !== 200,
    );
    return now === undefined || textAt(now.body, "state") !== "active";
  };
  const { proxy } = await dana();
  // Let through, or spent by a call whose answer was lost. Before the grant has arrived, a call is only denied.
  await surely(
    () => proxy("DELETE", order),
    async ({ status }) => status === 403 && !(await isUsed()),
  );
}

async function revoke({ surely, grant }: Hands): Promise<void> {
  const granted = await grant("30m");
  if (granted === undefined) return;
  const { id, steps, approvals } = granted;
  const revoked = await surely(
    () => approvals("POST", `/v1/grants/${id}/revoke`, { body: {} }),
    ({ status }) => status !== 200 && status !== 409,
  );
  if (revoked !== undefined) steps.add("grant.revoked");
}

async function lapse({ grant }: Hands): Promise<void> {
  const granted = await grant("1s");
  granted?.steps.add("grant.expired");
}
