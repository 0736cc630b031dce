/** What is said of a part that fails, beside parts that have much to do. On a real server: test/integration/approval/sweep.test.ts. */
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

const failed = (round: number) => [{ part: "sweep requests", error: new Error(`round ${round}`) }];

test("a part that fails is named in that very round, however much the others have left, and does not slow them", async () => {
  const sweep = sweepOf({ lapsed: 250, requestsFail: (round) => round !== 2 });
  expect(await sweep()).toMatchObject({ isMore: true, denials: 100, faults: failed(1) });
  expect(await sweep()).toMatchObject({ isMore: true, denials: 100, faults: [] });
  expect(await sweep()).toMatchObject({ isMore: false, denials: 50, faults: failed(3) });
});
