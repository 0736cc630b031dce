/** What the load generator is asked for, and what it answers: what its process and whoever starts it have to agree on. */
import { type Static, Type } from "typebox";

const Headers = Type.Record(Type.String(), Type.String());

const CallSchema = Type.Union([
  Type.Object({
    kind: Type.Literal("grpc"),
    path: Type.String(),
    headers: Headers,
    /** Hexadecimal: what a right answer begins with. Empty: any answer is right. */
    expected: Type.String(),
  }),
  Type.Object({
    kind: Type.Literal("http"),
    path: Type.String(),
    headers: Headers,
    /** What the body of a right answer holds; its status is 200. */
    expected: Type.String(),
  }),
]);

export const LoadSpecSchema = Type.Object({
  /** Connections are spread over them in turn. */
  ports: Type.Array(Type.Integer(), { minItems: 1 }),
  connections: Type.Integer({ minimum: 1 }),
  /** Calls under way at once on each connection; over HTTP/1.1 each of them has a connection of its own. */
  streams: Type.Integer({ minimum: 1 }),
  warmUpS: Type.Number(),
  seconds: Type.Number(),
  /** Calls begin at this rate whatever happens to the earlier ones; null: each stream calls again as soon as it is answered. */
  ratePerS: Type.Union([Type.Number(), Type.Null()]),
  call: CallSchema,
  /** Each call is told, for what is looked for in a part of the run. */
  keepsCalls: Type.Optional(Type.Boolean()),
  /** Messages or bodies in base64, sent in turn and then again from the first. */
  requests: Type.Array(Type.String(), { minItems: 1 }),
});

export const LoadedSchema = Type.Object({
  perS: Type.Number(),
  p50Ms: Type.Number(),
  p99Ms: Type.Number(),
  p999Ms: Type.Number(),
  /** How long after they were due calls were sent, which is the generator's own doing: its timer ticks once a millisecond. Part of the latencies. */
  lateP50Ms: Type.Number(),
  lateP99Ms: Type.Number(),
  /** Wall clock: when it began to measure. */
  begunAtMs: Type.Number(),
  /** All of them, from the first one of the warm-up to the last one that was waited for; none unless asked for. */
  calls: Type.Array(
    Type.Object({
      /** Wall clock: when it was due. */
      atMs: Type.Number(),
      ms: Type.Number(),
    }),
  ),
  /** Calls that ended, those of the warm-up among them. */
  ended: Type.Integer(),
  /** Answers other than the right one, and calls without an answer. */
  faults: Type.Integer(),
  /** How much of one core the generator itself needed: near 1 it measures itself. */
  generatorCpu: Type.Number(),
});

export type CallSpec = Static<typeof CallSchema>;
export type LoadSpec = Static<typeof LoadSpecSchema>;
export type Loaded = Static<typeof LoadedSchema>;
