/** Stands in for platform/stream/open-stream.ts: crash points before each publish and after its acknowledgement, by what is published. */
import * as real from "../../../platform/stream/open-stream.ts";
import type { StreamServer } from "../../../platform/stream/open-stream.ts";
import type { OutgoingRecord } from "../../../platform/stream/port.ts";
import { type PublishName, statePublish } from "./effects.ts";
import { reach, refuse } from "./reach.ts";

export * from "../../../platform/stream/open-stream.ts";

export async function streamServer(...args: Parameters<typeof real.streamServer>): Promise<StreamServer> {
  const server = await real.streamServer(...args);
  return {
    ...server,
    open(deps) {
      const stream = server.open(deps);
      return {
        ...stream,
        async publish(records, options) {
          const name = nameOf(records);
          reach(`${name} before publish`);
          const outcome = await stream.publish(records, options);
          if (outcome.kind === "acked") reach(`${name} after acknowledgement`);
          return outcome;
        },
        [Symbol.asyncDispose]: () => stream.close(),
      };
    },
  };
}

function nameOf([first]: readonly OutgoingRecord[]): PublishName | "denials" | "decisions" {
  if (first === undefined) return refuse("publish of nothing");
  const { topic, key, value } = first;
  const name = topic.replace(/^countersign\.|\.v1$/g, "");
  if (name === "state") return statePublish(key, value) ?? refuse(`publish of ${key}`);
  if (name === "audit") return key === "approval" ? name : "audit decisions";
  return name === "denials" || name === "decisions" ? name : refuse(`publish to ${topic}`);
}
