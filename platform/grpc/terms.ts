/** What every server of unary calls is given, and what it reports about each call, whichever library it uses. */
import type { ServerTls } from "../config/pem-files.ts";

/** Time for the answer to travel back before the caller gives up. */
export const RETURN_MS = 20;

/** How often a peer is asked whether it is there, and how long it may take to say so. */
export type KeepAlive = { readonly everyMs: number; readonly withinMs: number };

export const KEEPALIVE: KeepAlive = { everyMs: 30_000, withinMs: 5_000 };

export type UnaryServerOptions = {
  /** Full name, for grpc.health. */
  readonly service: string;
  /** Beyond it the transport itself refuses, before the message is read whole. */
  readonly maxReceiveBytes: number;
  readonly maxInFlight: number;
  /** Time of a call whose caller states no deadline, or a later one; from its arrival. */
  readonly deadlineMs: number;
};

/** What one call has to know beside what it asks. */
export type Terms = {
  /** Until the answer has to be on its way; may be negative. */
  readonly leftMs: number;
  /** Too many are under way: say so and do nothing. */
  readonly shed: boolean;
  /** The caller's span. */
  readonly traceparent: string | undefined;
  /** Whether nobody waits for the answer any more: it was called off, or its deadline has passed. */
  isGone(): boolean;
};

/** Who calls, as far as the transport knows; for methods that ask. */
export type Peer = {
  /** All values of `authorization`, as they came. */
  authorization(): readonly string[];
  /** Of the client certificate of the connection, such as `URI:spiffe://…`; none unless it was verified. */
  certificateNames(): readonly string[];
  /** That certificate, as DER. */
  certificate(): Uint8Array | undefined;
};

export type ListenAt = { readonly host: string; readonly port: number; readonly tls: ServerTls | undefined };

export type Listening = {
  readonly port: number;
  /** For connections from now on. @throws when they cannot be used; those before stay. */
  replaceCertificates(tls: ServerTls | undefined): void;
};

export type Serving = AsyncDisposable &
  Listening & {
    /** What grpc.health says; no until it is told. */
    serving(yes: boolean): void;
  };

/** More than may be under way: what is beyond the limit has to arrive to be told so. */
export function maxStreams({ maxInFlight }: Pick<UnaryServerOptions, "maxInFlight">): number {
  return maxInFlight * 2;
}
