/** How many requests may be under way at once, whichever way they take, and that no more are taken at the end. */
export type Admission = {
  /** Each that may is to leave once. */
  enter(): boolean;
  leave(): void;
  close(): void;
  isClosed(): boolean;
};

export function createAdmission({ maxInFlight }: { readonly maxInFlight: number }): Admission {
  let inFlight = 0;
  let closed = false;
  return {
    enter() {
      if (inFlight >= maxInFlight) return false;
      inFlight += 1;
      return true;
    },
    leave() {
      inFlight -= 1;
    },
    close() {
      closed = true;
    },
    isClosed: () => closed,
  };
}
