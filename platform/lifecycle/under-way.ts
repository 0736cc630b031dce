/**
 * Counts work in progress, so that what it needs ends after the last of it. A server has ended when its connections have; work begun for a caller
 * who has left goes on.
 */
export interface UnderWay {
  begin(): void;
  end(): void;
}

/** Disposing of it waits for what is under way when nothing more is begun, for `longestMs` at most. */
export function createUnderWay(longestMs = 1_000): UnderWay & AsyncDisposable {
  let count = 0;
  let ending = false;
  const none = Promise.withResolvers<void>();

  return {
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (ending && count === 0) none.resolve();
    },
    async [Symbol.asyncDispose]() {
      ending = true;
      if (count === 0) return;
      const late = setTimeout(none.resolve, longestMs);
      await none.promise;
      clearTimeout(late);
    },
  };
}
