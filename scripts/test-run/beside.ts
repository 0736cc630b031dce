/**
 * Runs files two at a time, as batches of which each is a jest of its own: in a jest with workers nobody would notice a test that leaves something
 * open, since workers are ended. The batches are about as large as each other, and small enough that the two end at about the same time.
 */

/** What takes minutes begins first. */
const LONG = /fuzz|edge-matrix/;
const MOST_BATCHES = 8;
const LEAST_FILES = 8;

export function batchesOf(files: readonly string[]): readonly (readonly string[])[] {
  const count = Math.min(MOST_BATCHES, Math.ceil(files.length / LEAST_FILES));
  const sorted = files.toSorted((one, other) => Number(LONG.test(other)) - Number(LONG.test(one)));
  return Array.from({ length: count }, (_, batch) => sorted.filter((_file, index) => index % count === batch));
}

/** In the order of `jobs`; the next one begins when one of the two ends. */
export async function twoAtATime<T>(jobs: readonly (() => Promise<T>)[]): Promise<readonly T[]> {
  const results = new Map<number, T>();
  const left = [...jobs.entries()].values();
  const lane = async () => {
    for (const [index, job] of left) results.set(index, await job());
  };
  await Promise.all([lane(), lane()]);
  return [...results].toSorted(([one], [other]) => one - other).map(([, result]) => result);
}
