/**
 * Evaluations in the form that programs send, answered on node:http without the framework (docs/adr/0013-evaluations-on-node-http.md): POST to
 * exactly the path, `application/json`, a stated length within the limit. Anything else is left to fastify's routes before any work is done for
 * it. Both ways answer alike: authentication, answers, errors and metrics are in files that they share, and a test compares both. Framing, header
 * limits and the time in which a request must arrive are those of the one server that serves both.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseJsonBody } from "../../../platform/http/json-body.ts";
import { takeRest, takeWhole } from "../../../platform/http/known-body.ts";
import { firstTraceparent } from "../../../platform/traces/traceparent.ts";
import type { ApiCallers } from "../api/ports.ts";
import type { Faults } from "../ports.ts";
import type { Admission } from "./admission.ts";
import type { Evaluations, Said } from "./evaluations.ts";
import { BUSY_REFUSAL, isGone, lateFor, type NewDeadline, refusalOf, requestIdOf, shownBy } from "./http-caller.ts";
import { PATHS } from "./metadata.ts";
import type { ObserveRequest } from "./observe-request.ts";
import { ALWAYS, DECISION_ID, FAULT, NOT_JSON, TEXT } from "./say.ts";

type DirectDeps = {
  readonly evaluations: Evaluations;
  readonly callers: Pick<ApiCallers, "authenticate">;
  readonly admission: Admission;
  readonly newDeadline: NewDeadline;
  readonly newRequestId: () => string;
  readonly monotonicMs: () => number;
  readonly observe: ObserveRequest;
  readonly faults: Faults;
};

/** False: not handled here, and nothing was done. */
export type Direct = (request: IncomingMessage, response: ServerResponse) => boolean;

type Answer = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  /** Further headers, as names and values in turn. */
  readonly headers: readonly string[];
};

const JSON_TYPE = "application/json; charset=utf-8";
const TAKEN: ReadonlySet<string | undefined> = new Set(["application/json", JSON_TYPE]);
/** As names and values in turn: Node takes them as they are and copies nothing. */
const FIRST = Object.entries(ALWAYS).flat();

export function createDirect(
  deps: DirectDeps,
  { prefix, maxBodyBytes }: { readonly prefix: string; readonly maxBodyBytes: number },
): Direct {
  const { evaluations, callers, admission, newDeadline, newRequestId, monotonicMs, observe, faults } = deps;
  const operations = new Map(
    (["evaluation", "evaluations"] as const).map((name) => [prefix + PATHS[name], name] as const),
  );

  /** Undefined: the caller left before all of it had arrived. */
  async function answerTo(
    request: IncomingMessage,
    operation: keyof Evaluations,
    bytes: number,
  ): Promise<Answer | undefined> {
    let deadline = newDeadline();
    const caller = await callers.authenticate(shownBy(request), lateFor(request, deadline));
    if ("reason" in caller) return refusal(refusalOf(caller));
    const came = takeWhole(request, bytes);
    let body = came.whole;
    if (body === undefined) {
      const leftMs = deadline.leftMs();
      body = await takeRest(request, came.begun);
      if (body === undefined) return undefined;
      deadline = newDeadline(leftMs);
    }
    const turn = admission.turn();
    if (turn !== undefined && (!(await turn) || lateFor(request, deadline)())) return refusal(BUSY_REFUSAL);
    const leave = admission.enter();
    if (leave === undefined) return refusal(BUSY_REFUSAL);
    try {
      const read = parseJsonBody(body);
      if (read.kind === "not_json") return error(NOT_JSON);
      const traceparent = firstTraceparent([request.headers["traceparent"]]);
      const asked = { body: read.value, caller, deadline, traceparent, isGone: () => isGone(request) };
      return answerOf(await evaluations[operation](asked));
    } finally {
      // NB: when the answer is made, whoever has left; not when it was taken, or who asks and does not read had a place for each.
      leave();
    }
  }

  async function serve(
    request: IncomingMessage,
    response: ServerResponse,
    { operation, bytes }: { readonly operation: keyof Evaluations; readonly bytes: number },
  ): Promise<void> {
    const id = requestIdOf(request, newRequestId);
    try {
      const answer = await answerTo(request, operation, bytes);
      if (answer !== undefined) send(response, id, answer, admission.isClosed());
    } catch (thrown) {
      faults.report(thrown);
      if (!response.headersSent) send(response, id, error(FAULT), admission.isClosed());
    }
  }

  return (request, response) => {
    const operation = request.method === "POST" ? operations.get(request.url ?? "") : undefined;
    if (operation === undefined || admission.isClosed() || !TAKEN.has(request.headers["content-type"])) return false;
    const bytes = Number(request.headers["content-length"]);
    if (!(bytes > 0 && bytes <= maxBodyBytes)) return false;
    const startedMs = monotonicMs();
    // Answered, or the connection has ended before.
    response.on("close", () => observe(operation, response, monotonicMs() - startedMs));
    void serve(request, response, { operation, bytes }).catch(faults.report);
    return true;
  };
}

function answerOf(said: Said): Answer {
  if (said.kind === "refused") return error({ status: said.status, sentence: said.why });
  const headers = said.decisionId === undefined ? [] : [DECISION_ID, said.decisionId];
  return { status: 200, type: JSON_TYPE, text: JSON.stringify(said.body), headers };
}

function refusal({ header, ...said }: ReturnType<typeof refusalOf>): Answer {
  return error(said, ...header);
}

function error(
  { status, sentence }: { readonly status: number; readonly sentence: string },
  ...headers: readonly string[]
): Answer {
  return { status, type: TEXT, text: sentence, headers };
}

/** `isLast`: nothing more is taken on this connection. */
function send(response: ServerResponse, id: string, { status, type, text, headers }: Answer, isLast: boolean): void {
  if (response.destroyed) return;
  response.writeHead(status, [
    ...FIRST,
    ...["x-request-id", id, "content-type", type, "content-length", String(Buffer.byteLength(text))],
    ...headers,
    ...(isLast ? ["connection", "close"] : []),
  ]);
  response.end(text);
}
