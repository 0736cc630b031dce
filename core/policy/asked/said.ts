/**
 * The result of a policy of either kind for one input, in the parts by which two policies are compared. Between one of our policies and an
 * opa-envoy-plugin policy, only the parts that both have count: outcome and headers.
 */
import { unreachable } from "../../domain/app-error.ts";
import type { ResponseFields, Verdict } from "../../domain/decision.ts";
import { type CompatResult, NO_FIELDS } from "../compat-result.ts";

export type Said =
  | { readonly mode: "native"; readonly verdict: Verdict }
  | { readonly mode: "compat"; readonly result: CompatResult };

type Fault = Extract<Verdict | CompatResult, { kind: "fault" }>["reason"];

export type Statement = {
  readonly mode: Said["mode"];
  /** Of a fault its reason. */
  readonly outcome: "allow" | "deny" | "elevate" | Fault;
  readonly isFault: boolean;
  /** Names of rules or of entitlements; a policy of opa-envoy-plugin names none. */
  readonly names: readonly string[];
  /** One line: `deny: outside_office_hours`, `elevate: refund order/7/amount/40`. */
  readonly text: string;
  readonly parts: Parts;
};

/** None of a fault. Lists in order of their names, where no other order has a meaning. */
export type Parts = {
  readonly reasons?: readonly string[];
  readonly elevations?: readonly object[];
  /** Headers. */
  readonly response?: object;
  readonly query?: object;
  readonly status?: number;
  readonly body?: string;
  readonly metadata?: object;
};

export function statementOf(said: Said): Statement {
  return { mode: said.mode, ...(said.mode === "native" ? ofVerdict(said.verdict) : ofResult(said.result)) };
}

type Stated = Omit<Statement, "mode">;

function ofVerdict(verdict: Verdict): Stated {
  const { kind } = verdict;
  switch (kind) {
    case "allow":
    case "deny": {
      const { reasons, response } = verdict;
      const names = [...new Set(reasons)].sort();
      const text = `${kind}: ${names.length === 0 ? "no_rule_matched" : names.join(", ")}`;
      return { outcome: kind, isFault: false, names, text, parts: { reasons: names, response: headersOf(response) } };
    }
    case "elevate": {
      const { elevations, response } = verdict;
      const text = `elevate: ${elevations.map(({ entitlement, scope }) => `${entitlement} ${scope}`).join(", ")}`;
      const names = elevations.map(({ entitlement }) => entitlement);
      return { outcome: kind, isFault: false, names, text, parts: { elevations, response: headersOf(response) } };
    }
    case "fault":
      return faultOf(verdict.reason, `fault (a denial): ${verdict.reason}: ${verdict.detail}`);
    default:
      throw unreachable(kind satisfies never);
  }
}

/** A plain boolean is answered as an object with nothing but `allowed` is. */
function ofResult(result: CompatResult): Stated {
  const { kind } = result;
  switch (kind) {
    case "allow": {
      const { queryParametersToSet: set, queryParametersToRemove: remove, ...headers } = result.fields ?? NO_FIELDS;
      const query = { set: byName(set), remove: remove.toSorted() };
      const parts = { response: headersOf(headers), query, metadata: result.metadata };
      return { outcome: kind, isFault: false, names: [], text: "allow", parts };
    }
    case "deny": {
      const { headers, body, httpStatus: status } = result.fields ?? { headers: [], body: "", httpStatus: 403 };
      const response = headersOf({ ...NO_FIELDS, headers });
      const parts = { response, status, body, metadata: result.metadata };
      return { outcome: kind, isFault: false, names: [], text: `deny: ${status}`, parts };
    }
    case "fault":
      return faultOf(result.reason, `fault: ${result.reason}: ${result.message}`);
    default:
      throw unreachable(kind satisfies never);
  }
}

function faultOf(reason: Fault, text: string): Stated {
  return { outcome: reason, isFault: true, names: [], text, parts: {} };
}

function headersOf({ headers, responseHeadersToAdd, requestHeadersToRemove }: ResponseFields): object {
  return {
    headers: byName(headers),
    responseHeadersToAdd: byName(responseHeadersToAdd),
    requestHeadersToRemove: requestHeadersToRemove.toSorted(),
  };
}

/** NB: values of one name stay in their order, which the upstream may go by. */
function byName(list: ResponseFields["headers"]): ResponseFields["headers"] {
  return list.toSorted(([one], [other]) => (one === other ? 0 : one < other ? -1 : 1));
}
