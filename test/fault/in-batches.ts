/** Runs the same for many at once, but never for more than so many: preparing in parallel without being the load that is tested. */

/** Results in the order of `items`. The first failure fails the whole once its batch is over. */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  size: number,
  run: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += size) {
    const settled = await Promise.allSettled(items.slice(from, from + size).map(run));
    for (const one of settled) {
      if (one.status === "rejected") throw one.reason;
      results.push(one.value);
    }
  }
  return results;
}
