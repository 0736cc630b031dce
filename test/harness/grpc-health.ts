/** What grpc.health says of a server, asked as a load balancer does: without a token. */
import type { Client } from "@grpc/grpc-js";

/** grpc.health.v1.HealthCheckResponse, as bytes. */
const STATUS: ReadonlyMap<string, string> = new Map([
  ["0801", "SERVING"],
  ["0802", "NOT_SERVING"],
]);
const DEADLINE_MS = 2_000;

/** Of the server as a whole; the code of the failure when it does not answer. */
export function grpcHealth(client: Client): Promise<string> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (bytes: Buffer) => bytes,
      (bytes) => bytes.toString("hex"),
      Buffer.alloc(0),
      { deadline: Date.now() + DEADLINE_MS },
      (error, hex = "") => resolve(error === null ? (STATUS.get(hex) ?? hex) : String(error.code)),
    );
  });
}
