/**
 * Who calls, as the decision service says in the headers that it gives to the upstream.
 *
 * NB: these headers are believed because nobody but the proxy reaches this API: it binds to loopback, and the proxy takes a client's own
 * version of them away. An upstream that can be reached around its proxy must not read them.
 */
import type { IncomingHttpHeaders } from "node:http";

type Caller = {
  /** Whose account it is; ids are unique within it. */
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly decisionId: string | null;
  readonly grantId: string | null;
};

export function callerOf(headers: IncomingHttpHeaders): Caller {
  return {
    issuer: textOf(headers["countersign-issuer"]),
    subject: textOf(headers["countersign-subject"]),
    decisionId: textOf(headers["countersign-decision-id"]),
    grantId: textOf(headers["countersign-grant-id"]),
  };
}

function textOf(value: string | readonly string[] | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
