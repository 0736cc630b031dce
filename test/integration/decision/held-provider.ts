/** An identity provider of a test that takes its time: it is asked, sends what it likes, and goes on only when the test lets it. */
import type { RequestListener, ServerResponse } from "node:http";

export type Manner = {
  /** Sent at once; nothing unless given. */
  readonly first?: (response: ServerResponse) => void;
  /** Sent when it is let go on; one that hangs has none. */
  readonly rest?: (response: ServerResponse) => void;
};

type Held = {
  readonly listener: RequestListener;
  /** The answer under way, once somebody has asked. */
  readonly received: Promise<ServerResponse>;
  letGo(): void;
};

export function hold({ first, rest }: Manner): Held {
  const received = Promise.withResolvers<ServerResponse>();
  const goOn = Promise.withResolvers<void>();
  return {
    listener(_request, response) {
      first?.(response);
      received.resolve(response);
      if (rest !== undefined) void goOn.promise.then(() => rest(response));
    },
    received: received.promise,
    letGo: () => goOn.resolve(),
  };
}
