/** A turn per key: one holder at a time; further ones wait in order, limited in number and time. */

type OneAtATime = {
  /** Resolves with what ends the turn (again is nothing), or with undefined for whoever is too many or waited too long. Never rejects. */
  take(key: string): Promise<(() => void) | undefined>;
};

/** For one key. */
export type Patience = { readonly maxWaiting: number; readonly maxWaitMs: number };

export function createOneAtATime({ maxWaiting, maxWaitMs }: Patience): OneAtATime {
  /** Who waits behind the turn that is under way. */
  const lines = new Map<string, Set<() => void>>();

  function begin(key: string): () => void {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const line = lines.get(key);
      const next = line?.values().next().value;
      if (next === undefined) lines.delete(key);
      else {
        line?.delete(next);
        next();
      }
    };
  }

  return {
    async take(key) {
      const line = lines.get(key);
      if (line === undefined) {
        lines.set(key, new Set());
        return begin(key);
      }
      if (line.size >= maxWaiting) return undefined;
      return new Promise((resolve) => {
        const called = () => {
          clearTimeout(late);
          resolve(begin(key));
        };
        const late = setTimeout(() => {
          line.delete(called);
          resolve(undefined);
        }, maxWaitMs);
        line.add(called);
      });
    },
  };
}
