/** `verify --config`: how the stream is reached, as `npm run topics -- --config` and the services say it. */
import { operatorStream } from "../../platform/stream/operator-config.ts";
import type { StreamConfig } from "../../platform/stream/open-stream.ts";

/** Rejects, with a line for each fault. */
export function readStreamConfig(file: string): Promise<StreamConfig> {
  return operatorStream({ env: process.env, prefix: "COUNTERSIGN_", file });
}
