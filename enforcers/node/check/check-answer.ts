/**
 * CheckResponse → what to do. Stricter than Envoy where Envoy passes what nobody said: an empty response, an OK with a denial
 * in it, an OK without a status. What an OK wants and the gateway cannot do exactly (another host, path, query or framing) is
 * not applied in part: the answer is unusable then, and nothing passes.
 *
 * Request headers as Envoy 1.40 applies them (recorded): `append: true` adds to what the client sent, everything else replaces
 * it, whatever `append_action` says. A name that comes again with the default action is added to what this answer set.
 */
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
} from "../../../proto/gen/envoy/config/core/v3/base.ts";
import type {
  CheckResponse,
  DeniedHttpResponse,
  OkHttpResponse,
} from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import type { HeaderChange } from "../header-changes.ts";
import { HOP_BY_HOP, type HeaderLine } from "../header-line.ts";
import type { Unusable, Verdict } from "./verdict.ts";

const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
/** One character per byte, as it will be written. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const ACTIONS: ReadonlyMap<number, HeaderChange["kind"]> = new Map([
  [HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD, "add"],
  [HeaderValueOption_HeaderAppendAction.ADD_IF_ABSENT, "add_if_absent"],
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD, "replace"],
  [HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS, "replace_if_present"],
]);
const NO_OK: OkHttpResponse = {
  headers: [],
  headersToRemove: [],
  responseHeadersToAdd: [],
  queryParametersToSet: [],
  queryParametersToRemove: [],
};

export function verdictFrom({ status, httpResponse }: CheckResponse): Verdict {
  if (status === undefined) return unusable("contradictory");
  if (status.code !== 0) {
    return denied(httpResponse?.$case === "deniedResponse" ? httpResponse.value : undefined);
  }
  if (httpResponse === undefined) return allowed(NO_OK);
  return httpResponse.$case === "okResponse" ? allowed(httpResponse.value) : unusable("contradictory");
}

function allowed(ok: OkHttpResponse): Verdict {
  const { headersToRemove, queryParametersToSet, queryParametersToRemove } = ok;
  if (queryParametersToSet.length > 0 || queryParametersToRemove.length > 0) return unusable("not_applicable");
  const request = requestChanges(ok.headers);
  const response = responseChanges(ok.responseHeadersToAdd);
  if (request === undefined || response === undefined) return unusable("not_applicable");
  // As Envoy: who asks for the removal of what a message cannot be without is not heard.
  const removed = headersToRemove.map((name) => name.toLowerCase()).filter(isChangeable);
  return { kind: "allowed", request, removed, response };
}

function denied(denial: DeniedHttpResponse | undefined): Verdict {
  const code = denial?.status?.code ?? 0;
  const status = Number.isInteger(code) && code >= 200 && code <= 599 ? code : 403;
  const lines: HeaderLine[] = [];
  for (const option of denial?.headers ?? []) {
    const line = lineOf(option);
    if (line === undefined) return unusable("not_applicable");
    if (isChangeable(line[0])) lines.push(line);
  }
  return { kind: "denied", status, lines, body: Buffer.from(denial?.body ?? "", "utf8") };
}

function requestChanges(options: readonly HeaderValueOption[]): readonly HeaderChange[] | undefined {
  const changes: HeaderChange[] = [];
  const set = new Set<string>();
  for (const option of options) {
    const line = lineOf(option);
    const action = ACTIONS.get(option.appendAction);
    if (line === undefined || action === undefined || !isChangeable(line[0])) return undefined;
    const isAdded = option.append === true || (action === "add" && set.has(line[0]));
    changes.push({ kind: isAdded ? "add" : "replace", line });
    set.add(line[0]);
  }
  return changes;
}

function responseChanges(options: readonly HeaderValueOption[]): readonly HeaderChange[] | undefined {
  const changes: HeaderChange[] = [];
  for (const option of options) {
    const line = lineOf(option);
    const kind = option.append === true ? "add" : ACTIONS.get(option.appendAction);
    if (line === undefined || kind === undefined || !isChangeable(line[0])) return undefined;
    changes.push({ kind, line });
  }
  return changes;
}

/** Undefined when it cannot be written as a header line. Text is written as UTF-8. */
function lineOf({ header }: HeaderValueOption): HeaderLine | undefined {
  if (header === undefined) return undefined;
  const name = header.key.toLowerCase();
  const value = (header.rawValue.length > 0 ? header.rawValue : Buffer.from(header.value, "utf8")).toString("latin1");
  return TOKEN.test(name) && VALUE.test(value) ? [name, value] : undefined;
}

/** NB: host and framing are what was judged, and where the message ends. */
function isChangeable(name: string): boolean {
  return name !== "host" && name !== "content-length" && !HOP_BY_HOP.has(name) && !name.startsWith(":");
}

function unusable(why: Unusable): Verdict {
  return { kind: "unusable", why };
}
