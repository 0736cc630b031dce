/**
 * One question to the decision service, and its answer as two ways to go on: pass, with the lines as they are to be sent, or
 * stop, with what the client is told. Stop is what everything ends in that is not an allow.
 */
import type { Socket } from "node:net";
import { unmapped } from "../../platform/http/unmapped.ts";
import type { Admitted } from "./admit.ts";
import type { Answer } from "./answer.ts";
import type { Authorization } from "./check/authorization.ts";
import { type Peer, withForwardedLines } from "./client-request.ts";
import { changeLines, type HeaderChange } from "./header-changes.ts";
import type { HeaderLine } from "./header-line.ts";
import type { Outcome } from "./observe.ts";
import { refusalAnswer } from "./refusal.ts";

type Judged =
  | {
      readonly kind: "pass";
      /** For the upstream. */
      readonly lines: readonly HeaderLine[];
      /** For the client, in the upstream's answer. */
      readonly response: readonly HeaderChange[];
    }
  | { readonly kind: "stop"; readonly answer: Answer; readonly outcome: Outcome };

export type Judge = (
  admitted: Admitted,
  facts: {
    readonly socket: Socket;
    /** The whole body; undefined when the route does not look at it. */
    readonly body: Buffer | undefined;
    /** Shown to the policy only; the way to the upstream writes its own. */
    readonly policyLines: readonly HeaderLine[];
    readonly requestId: string;
    readonly signal: AbortSignal;
  },
) => Promise<Judged>;

export function createJudge({
  authorization,
  wallMs,
}: {
  readonly authorization: Pick<Authorization, "ask">;
  readonly wallMs: () => number;
}): Judge {
  return async ({ request }, { socket, body, policyLines, requestId, signal }) => {
    const source = peer(socket.remoteAddress, socket.remotePort);
    const lines = withForwardedLines(request, { peer: source, requestId });
    const { method, target, authority } = request;
    const verdict = await authorization.ask(
      {
        id: requestId,
        time: new Date(wallMs()),
        source,
        destination: peer(socket.localAddress, socket.localPort),
        method,
        target,
        authority,
        lines: [...lines, ...policyLines],
        body,
      },
      signal,
    );
    switch (verdict.kind) {
      case "allowed":
        return {
          kind: "pass",
          lines: changeLines(lines, verdict.request, verdict.removed),
          response: verdict.response,
        };
      case "denied":
        return { kind: "stop", answer: verdict, outcome: { kind: "denied", status: verdict.status } };
      default: {
        const answer = refusalAnswer("authorization_unavailable");
        return { kind: "stop", answer, outcome: { kind: "undecided", why: verdict.why } };
      }
    }
  };
}

function peer(address = "", port = 0): Peer {
  return { address: unmapped(address), port };
}
