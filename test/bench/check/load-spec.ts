/** What the load generator is asked for, and what it answers: what its process and whoever starts it have to agree on. */
import { type Static, Type } from "typebox";

export const LoadSpecSchema = Type.Object({
  port: Type.Integer(),
  connections: Type.Integer({ minimum: 1 }),
  /** Calls under way at once on each connection. */
  streams: Type.Integer({ minimum: 1 }),
  warmUpS: Type.Number(),
  seconds: Type.Number(),
  /** Calls begin at this rate whatever happens to the earlier ones; null: each stream calls again as soon as it is answered. */
  ratePerS: Type.Union([Type.Number(), Type.Null()]),
  /** The CheckRequest in base64. */
  request: Type.String(),
});

export const LoadedSchema = Type.Object({
  perS: Type.Number(),
  p50Ms: Type.Number(),
  p99Ms: Type.Number(),
  p999Ms: Type.Number(),
  /** Answers that were no allow. */
  faults: Type.Integer(),
  /** How much of one core the generator itself needed: near 1 it measures itself. */
  generatorCpu: Type.Number(),
});

export type LoadSpec = Static<typeof LoadSpecSchema>;
export type Loaded = Static<typeof LoadedSchema>;
