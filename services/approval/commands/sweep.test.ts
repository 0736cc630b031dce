/** When a part that fails is told, beside parts that have much to do. On a real server: test/integration/approval/sweep.test.ts. */
import { expect, test } from "@jest/globals";
import { NOW } from "../../../test/samples/domain.ts";
import type { Transaction } from "../ports.ts";
import { createSweep } from "./sweep.ts";

/** `lapsed`: of how many denials each round takes at most a hundred. */
function sweepOf({
  lapsed,
  requestsFail,
}: {
  readonly lapsed: number;
  readonly requestsFail: (round: number) => boolean;
}) {
  let round = 0;
  let left = lapsed;
  const nothing = () => Promise.resolve([]);
  const none = () => Promise.resolve(0);
  const tx: Transaction = Object.assign(Object.create(null), {
    now: () => Promise.resolve(NOW),
    requests: {
      lockExpired() {
        round += 1;
        return requestsFail(round) ? Promise.reject(new Error(`round ${round}`)) : nothing();
      },
      lockEscalating: nothing,
    },
    grants: { lockExpired: nothing },
    denials: {
      deleteLapsed(_before: unknown, limit: number) {
        const taken = Math.min(left, limit);
        left -= taken;
        return Promise.resolve(taken);
      },
    },
    ...{ answers: { forget: none }, quarantine: { forget: none } },
    ...{ notifications: { forget: none }, profiles: { forget: none } },
  });
  return createSweep({ store: { transaction: (_name, work) => work(tx) } });
}

test("a part that always fails does not slow the others, and is told when they have nothing left to do at once", async () => {
  const sweep = sweepOf({ lapsed: 250, requestsFail: () => true });
  expect(await sweep()).toMatchObject({ isMore: true, denials: 100 });
  expect(await sweep()).toMatchObject({ isMore: true, denials: 100 });
  await expect(sweep()).rejects.toThrow("round 1");
  await expect(sweep()).rejects.toThrow("round 4");
});

test("a failure that did not come again is told too, once", async () => {
  const sweep = sweepOf({ lapsed: 150, requestsFail: (round) => round === 1 });
  expect(await sweep()).toMatchObject({ isMore: true });
  await expect(sweep()).rejects.toThrow("round 1");
  expect(await sweep()).toMatchObject({ isMore: false, denials: 0 });
});
