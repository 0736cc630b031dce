/** Runs asynchronous work in order of arrival, at most so many pieces at once: one by default. A piece that fails does not stop the next one. */
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
