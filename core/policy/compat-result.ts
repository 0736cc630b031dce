/**
 * The result of an opa-envoy-plugin policy → the answer. A boolean allows or denies; an object must have a boolean `allowed`, and every field of
 * its branch must have the right type, or the whole result is a fault with the plugin's message. The order of the checks determines which fault
 * is named: allowed, headers, dynamic_metadata, then by branch. Unknown keys and fields of the other branch are ignored. Sets count as lists,
 * keys that are not strings as their JSON text.
 *
 * Stricter than the plugin: a header or query value with a line break, and text that is not UTF-8, are faults.
 */
import { goType, ResultFault, wrongType } from "./compat-result/fault.ts";
import { statusOf } from "./compat-result/http-status.ts";
import { type Metadata, metadataOf } from "./compat-result/metadata.ts";
import { names, nameValues, queryToSet } from "./compat-result/name-values.ts";
import { type NameValue, unicode } from "./compat-result/sendable.ts";
import { RegoObject, type RegoValue } from "./rego-value/value.ts";

/** `fields` is undefined for a plain boolean: then the answer has no HTTP part of its own. */
export type CompatResult =
  | { readonly kind: "allow"; readonly metadata: Metadata; readonly fields: AllowFields | undefined }
  | { readonly kind: "deny"; readonly metadata: Metadata; readonly fields: DenyFields | undefined }
  /** `echoes`: the fault may lie in what the request brought, so it must not open a door whatever is configured. */
  | {
      readonly kind: "fault";
      readonly reason:
        | "policy_error"
        | "policy_result_invalid"
        | "policy_budget_exceeded"
        | "policy_ask_unanswered"
        | "policy_not_loaded"
        | "policy_expired";
      readonly message: string;
      readonly echoes: boolean;
    };

export type AllowFields = {
  readonly headers: readonly NameValue[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly NameValue[];
  readonly queryParametersToSet: readonly NameValue[];
  readonly queryParametersToRemove: readonly string[];
};

type DenyFields = {
  readonly headers: readonly NameValue[];
  readonly body: string;
  readonly httpStatus: number;
};

export const NO_FIELDS: AllowFields = {
  headers: [],
  requestHeadersToRemove: [],
  responseHeadersToAdd: [],
  queryParametersToSet: [],
  queryParametersToRemove: [],
};

/** Never throws. Without a value the policy was undefined, which is a fault and not a no. */
export function compatResult(value: RegoValue | undefined): CompatResult {
  if (value === undefined) return invalid("undefined decision", false);
  try {
    if (typeof value === "boolean") return { kind: value ? "allow" : "deny", metadata: {}, fields: undefined };
    return objectResult(value);
  } catch (error) {
    if (error instanceof ResultFault) return invalid(error.message, error.echoes);
    throw error;
  }
}

function invalid(message: string, echoes: boolean): CompatResult {
  return { kind: "fault", reason: "policy_result_invalid", message, echoes };
}

function objectResult(value: RegoValue): CompatResult {
  if (!(value instanceof RegoObject)) {
    throw new ResultFault(
      `failed to get response status: illegal value for policy evaluation result: ${goType(value)}`,
    );
  }
  const allowed = value.get("allowed");
  if (allowed === undefined) {
    throw new ResultFault(
      'failed to get response status: unable to determine evaluation result due to missing "allowed" key',
    );
  }
  if (typeof allowed !== "boolean") throw wrongType("response status", "allowed", "boolean", allowed);
  const headers = nameValues(value.get("headers"), "response headers");
  const metadata = metadataOf(value.get("dynamic_metadata"));
  if (allowed) {
    const requestHeadersToRemove = names(value, "request_headers_to_remove", "request headers to remove");
    const added = value.get("response_headers_to_add");
    const responseHeadersToAdd = nameValues(added, "response headers to send to client");
    const queryParametersToRemove = names(value, "query_parameters_to_remove", "request query parameters to remove");
    const queryParametersToSet = queryToSet(value.get("query_parameters_to_set"));
    const fields = {
      headers,
      requestHeadersToRemove,
      responseHeadersToAdd,
      queryParametersToSet,
      queryParametersToRemove,
    };
    return { kind: "allow", metadata, fields };
  }
  const body = value.get("body");
  if (body !== undefined && typeof body !== "string") throw wrongType("response body", "body", "string", body);
  const httpStatus = statusOf(value.get("http_status"));
  return { kind: "deny", metadata, fields: { headers, body: unicode(body ?? ""), httpStatus } };
}
