/**
 * Owners that end at the same time, such as listeners: each may take its time to drain, and one after the other would take the sum, while the
 * last ones still accept what the first ones refuse.
 */
export interface Together extends AsyncDisposable {
  /** Hands over an owner; returns it. */
  own<T extends AsyncDisposable>(owner: T): T;
}

/** Disposing of it disposes of all at once and waits for all; it rejects when one did. */
export function createTogether(): Together {
  const owners: AsyncDisposable[] = [];
  return {
    own(owner) {
      owners.push(owner);
      return owner;
    },
    async [Symbol.asyncDispose]() {
      const ends = await Promise.allSettled(owners.splice(0).map(async (one) => one[Symbol.asyncDispose]()));
      const errors = ends.flatMap((end): unknown[] => (end.status === "rejected" ? [end.reason] : []));
      if (errors.length > 0) throw new AggregateError(errors, "not everything has ended in good order");
    },
  };
}
