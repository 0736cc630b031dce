/**
 * Runs asynchronous pieces of work one after the other, in the order in which they came. A piece that fails does not stop the next one.
 */
interface Mutex {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createMutex(): Mutex {
  let tail: Promise<unknown> = Promise.resolve();
  return {
    run(work) {
      const turn = tail.then(work, work);
      tail = turn.catch(() => {});
      return turn;
    },
  };
}
