/** How many requests may be under way at once, whichever way they take, and whether the end has begun. */
export type Admission = {
  /** Undefined: there are enough. Otherwise how to leave, which counts once, however often it is called. */
  enter(): Leave | undefined;
  close(): void;
  isClosed(): boolean;
  /** Resolves when all have left. For the end: once, and after `close`. */
  empty(): Promise<void>;
};

export type Leave = () => void;

export function createAdmission({ maxInFlight }: { readonly maxInFlight: number }): Admission {
  let inFlight = 0;
  let closed = false;
  const emptied = Promise.withResolvers<void>();

  function told(): void {
    if (closed && inFlight === 0) emptied.resolve();
  }

  return {
    enter() {
      if (inFlight >= maxInFlight) return undefined;
      inFlight += 1;
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        inFlight -= 1;
        told();
      };
    },
    close() {
      closed = true;
      told();
    },
    isClosed: () => closed,
    empty: () => emptied.promise,
  };
}
