/**
 * Runs asynchronous pieces of work in the order in which they came, at most so many at once: one unless said otherwise. A piece that fails does
 * not stop the next one.
 */
interface Limit {
  run<T>(work: () => Promise<T>): Promise<T>;
}

export function createLimit(most = 1): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(work) {
      if (running < most) running += 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}
