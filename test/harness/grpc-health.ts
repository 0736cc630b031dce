/** What grpc.health says of a server, asked as a load balancer does: without a token. */
import type { Client } from "@grpc/grpc-js";

/** grpc.health.v1.HealthCheckResponse, as bytes. */
const STATUS: ReadonlyMap<string, string> = new Map([
  ["0801", "SERVING"],
  ["0802", "NOT_SERVING"],
]);
const DEADLINE_MS = 10_000;

const named = (hex: string): string => STATUS.get(hex) ?? hex;

/** Calls `onState` with what it says now and with every change, until it is cancelled. */
export function watchHealth(client: Client, onState: (state: string) => void): { cancel(): void } {
  const watch = client.makeServerStreamRequest(
    "/grpc.health.v1.Health/Watch",
    (bytes: Buffer) => bytes,
    (bytes) => named(bytes.toString("hex")),
    Buffer.alloc(0),
  );
  watch.on("data", onState).on("error", () => {});
  return watch;
}

/** Of the server as a whole; the code of the failure when it does not answer. */
export function grpcHealth(client: Client): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (bytes: Buffer) => bytes,
      (bytes) => bytes.toString("hex"),
      Buffer.alloc(0),
      { deadline: Date.now() + DEADLINE_MS },
      (error, hex = "") => resolve(error === null ? named(hex) : String(error.code)),
    );
  });
}
