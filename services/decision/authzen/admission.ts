/** How many requests may be under way at once, whichever way they take, and whether the end has begun. */
export type Admission = {
  /** Undefined: there are enough. Otherwise how to leave, which counts once, however often it is called. */
  enter(): Leave | undefined;
  close(): void;
  isClosed(): boolean;
};

type Leave = () => void;

export function createAdmission({ maxInFlight }: { readonly maxInFlight: number }): Admission {
  let inFlight = 0;
  let closed = false;

  return {
    enter() {
      if (inFlight >= maxInFlight) return undefined;
      inFlight += 1;
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        inFlight -= 1;
      };
    },
    close() {
      closed = true;
    },
    isClosed: () => closed,
  };
}
