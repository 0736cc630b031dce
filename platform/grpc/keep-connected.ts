/** Keeps a gRPC channel from going idle when it loses its server: otherwise the next call would pay for the connection with its own time. */
import type { Client } from "@grpc/grpc-js";

/** Until it is disposed of, which has to come before the client is closed. */
export function keepConnected(client: Client): Disposable {
  const channel = client.getChannel();
  let ended = false;
  watch();

  function watch(): void {
    if (ended) return;
    channel.watchConnectivityState(channel.getConnectivityState(true), Number.POSITIVE_INFINITY, watch);
  }

  return {
    [Symbol.dispose]() {
      ended = true;
    },
  };
}
