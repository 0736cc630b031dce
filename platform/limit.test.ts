import { expect, test } from "@jest/globals";
import { createLimit } from "./limit.ts";

/** Pieces of work that end when told; `begun` says which have begun. */
function pieces(most?: number) {
  const limit = createLimit(most);
  const begun: number[] = [];
  const all = Array.from({ length: 5 }, (_, at) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const outcome = limit.run(() => {
      begun.push(at);
      return promise;
    });
    return { outcome, resolve: () => resolve(at), reject };
  });
  const settled = () => new Promise(setImmediate);
  return { begun, all, settled };
}

test("one runs at a time, in the order in which they came, whichever fails", async () => {
  const { begun, all, settled } = pieces();
  expect(begun).toEqual([0]);
  all[0]?.reject(new Error("no"));
  await expect(all[0]?.outcome).rejects.toThrow("no");
  await settled();
  expect(begun).toEqual([0, 1]);
  for (const { resolve } of all) resolve();
  expect(await Promise.all(all.slice(1).map(({ outcome }) => outcome))).toEqual([1, 2, 3, 4]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
});

test("three run at once when so many may, and the fourth when one of them has ended", async () => {
  const { begun, all, settled } = pieces(3);
  expect(begun).toEqual([0, 1, 2]);
  all[1]?.resolve();
  await settled();
  expect(begun).toEqual([0, 1, 2, 3]);
  for (const { resolve } of all) resolve();
  expect(await Promise.all(all.map(({ outcome }) => outcome))).toEqual([0, 1, 2, 3, 4]);
});
