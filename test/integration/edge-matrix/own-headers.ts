/**
 * What an enforcer says for itself, exactly: to the policy alone, and to the upstream alone. Whatever else the two do not have alike is a difference:
 * a line of the client that one of them did not see, or one that no enforcer was known to write.
 */
import { foldedName } from "../../../platform/http/folded-name.ts";
import type { Received } from "../../harness/recording-upstream.ts";

export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** The gateway, or Envoy with which of its bootstraps. */
export type Enforcer = "gateway" | "native" | "compat";

export type Exchange = {
  readonly enforcer: Enforcer;
  readonly asked: { readonly method: string; readonly host: string; readonly path: string };
  /** Whether the policy was to be shown the body. */
  readonly isSeen: boolean;
  /** How the client framed it; `chunked`, also with nothing inside. */
  readonly framing: "length" | "chunked" | "none";
  /** Whether something of a body came, even if only that it is empty. */
  readonly isBodyBegun: boolean;
  readonly got: Received;
};

const WHOLE = ["x-envoy-auth-partial-body", "false"] as const;
/** As each bootstrap's route says. */
const TIMEOUT = ["x-envoy-expected-rq-timeout-ms", "15000"] as const;
const KEPT = ["connection", "keep-alive"] as const;

/** What HTTP/1.1 says in its first line, and that a body was shown whole: of an empty one as well, if it came in chunks. */
export function toPolicy({ asked, isSeen, isBodyBegun }: Exchange): HeaderLines {
  return [
    [":method", asked.method],
    [":scheme", "http"],
    [":authority", asked.host],
    [":path", asked.path],
    ...(isSeen && isBodyBegun ? [WHOLE] : []),
  ];
}

/** The host; of Envoy the time of the route, of the gateway that it keeps its connections; and where the body ends, unless its client said the length. */
export function toUpstream(exchange: Exchange): HeaderLines {
  return [["host", exchange.asked.host], exchange.enforcer === "gateway" ? KEPT : TIMEOUT, ...endOfBody(exchange)];
}

/** NB: a name of Envoy's that is not its own word would be the word of a client, also where policy and upstream have it alike. */
export function isForged(name: string, own: HeaderLines): boolean {
  return foldedName(name).startsWith("x-envoy-") && own.every(([known]) => known !== name);
}

function endOfBody({ enforcer, asked, isSeen, framing, got }: Exchange): HeaderLines {
  if (framing === "length") return [];
  if (framing === "none") return ["POST", "OPTIONS"].includes(asked.method) ? [["content-length", "0"]] : [];
  // The gateway knows the length of what it has read whole, and of what it passes on if all of it was there.
  const isKnown = enforcer === "gateway" && (isSeen || got.headers["content-length"] !== undefined);
  return isKnown ? [["content-length", String(got.body.length)]] : [["transfer-encoding", "chunked"]];
}
