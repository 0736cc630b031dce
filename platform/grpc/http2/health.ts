/**
 * `grpc.health.v1.Health` for load balancers and kubelets: Check, Watch and List. A service is NOT_SERVING until it is set to serving. Probes
 * never queue: one that waited behind calls would have a process restarted in the middle of an overload, and then the next one.
 */
import { status } from "@grpc/grpc-js";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Method } from "./call.ts";
import type { Failure } from "./failure.ts";

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
type State = typeof SERVING | typeof NOT_SERVING | typeof SERVICE_UNKNOWN;

type Health = {
  readonly methods: ReadonlyMap<string, Method>;
  serving(yes: boolean): void;
  /** Ends what watches it, now and from now on: a watch would hold up the end of its connection. */
  close(): void;
};

type Watcher = { told(): void; end(failure: Failure): void };

/** Of these services, by full name; "" is the server as a whole. */
export function createHealth(services: readonly string[]): Health {
  let now: State = NOT_SERVING;
  let isClosed = false;
  const watchers = new Set<Watcher>();
  const stateOf = (service: string | undefined): State =>
    service !== undefined && services.includes(service) ? now : SERVICE_UNKNOWN;

  const check: Method = {
    kind: "at once",
    answer: (message) => {
      const state = stateOf(serviceIn(message));
      return state === SERVICE_UNKNOWN ? UNKNOWN : response(state);
    },
  };
  const watch: Method = {
    kind: "telling",
    begin(message, { tell, end }) {
      const service = serviceIn(message);
      let last: State | undefined;
      const told = () => {
        const state = stateOf(service);
        if (state !== last) tell(response(state));
        last = state;
      };
      const watcher: Watcher = { told, end };
      watchers.add(watcher);
      told();
      if (isClosed) end(ENDING);
      return () => watchers.delete(watcher);
    },
  };
  const list: Method = {
    kind: "at once",
    answer: () => {
      const writer = new BinaryWriter();
      for (const service of services) {
        const entry = new BinaryWriter()
          .tag(1, WireType.LengthDelimited)
          .string(service)
          .tag(2, WireType.LengthDelimited)
          .bytes(response(now))
          .finish();
        writer.tag(1, WireType.LengthDelimited).bytes(entry);
      }
      return writer.finish();
    },
  };

  return {
    methods: new Map(
      Object.entries({ Check: check, Watch: watch, List: list }).map(([name, one]) => [
        `/grpc.health.v1.Health/${name}`,
        one,
      ]),
    ),
    serving(yes) {
      now = yes ? SERVING : NOT_SERVING;
      for (const { told } of watchers) told();
    },
    close() {
      isClosed = true;
      for (const { end } of watchers) end(ENDING);
    },
  };
}

/** Of a HealthCheckRequest: field 1. Undefined when it is none, which is then no service of ours. */
function serviceIn(message: Buffer): string | undefined {
  try {
    let service = "";
    const reader = new BinaryReader(message);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (field === 1 && type === WireType.LengthDelimited) service = reader.string();
      else reader.skip(type);
    }
    return service;
  } catch {
    return undefined;
  }
}

/** A HealthCheckResponse: field 1. */
function response(state: State): Uint8Array {
  return new BinaryWriter().tag(1, WireType.Varint).int32(state).finish();
}

const UNKNOWN: Failure = { code: status.NOT_FOUND, message: "no such service" };
const ENDING: Failure = { code: status.UNAVAILABLE, message: "the server ends" };
