/**
 * The result of a compatibility policy → Envoy's CheckResponse, as opa-envoy-plugin writes it: a plain boolean has no HTTP part, an object has
 * one; headers carry only name and value; `decision_id` is always in the metadata.
 */
import { status } from "@grpc/grpc-js";
import { isAllow, type Allow } from "../../../core/domain/decision.ts";
import type { NameValue } from "../../../core/policy/compat-result/sendable.ts";
import type { AllowFields, CompatResult } from "../../../core/policy/compat-result.ts";
import {
  type HeaderValueOption,
  HeaderValueOption_HeaderAppendAction,
} from "../../../proto/gen/envoy/config/core/v3/base.ts";
import type { CheckResponse } from "../../../proto/gen/envoy/service/auth/v3/external_auth.ts";
import { StatusCode } from "../../../proto/gen/envoy/type/v3/http_status.ts";

type Metadata = Extract<CompatResult, { kind: "allow" }>["metadata"];

/** NB: takes the allow itself, so that nothing but core/domain/decision.ts can make Envoy's OK. */
export function compatAllowed(
  decision: Allow,
  fields: AllowFields | undefined,
  metadata: Metadata,
  decisionId: string,
): CheckResponse {
  if (!isAllow(decision)) throw new TypeError("not an allow");
  return {
    status: { code: status.OK, message: "", details: [] },
    httpResponse: fields && {
      $case: "okResponse",
      value: {
        headers: fields.headers.map(headerOption),
        headersToRemove: [...fields.requestHeadersToRemove],
        dynamicMetadata: undefined,
        responseHeadersToAdd: fields.responseHeadersToAdd.map(headerOption),
        queryParametersToSet: fields.queryParametersToSet.map(([key, value]) => ({ key, value })),
        queryParametersToRemove: [...fields.queryParametersToRemove],
      },
    },
    dynamicMetadata: { ...metadata, decision_id: decisionId },
  };
}

export function compatDenied(result: Extract<CompatResult, { kind: "deny" }>, decisionId: string): CheckResponse {
  const { fields, metadata } = result;
  return {
    status: { code: status.PERMISSION_DENIED, message: "", details: [] },
    httpResponse: fields && {
      $case: "deniedResponse",
      value: {
        status: { code: statusCode(fields.httpStatus) },
        headers: fields.headers.map(headerOption),
        body: fields.body,
      },
    },
    dynamicMetadata: { ...metadata, decision_id: decisionId },
  };
}

/** The plugin's answer to a request that no policy can be asked about: 400, and no metadata. */
export function compatUnparsable(message: string): CheckResponse {
  const text = `request_parse_error: ${message}`;
  return {
    status: { code: status.PERMISSION_DENIED, message: text, details: [] },
    httpResponse: { $case: "deniedResponse", value: { status: { code: 400 }, headers: [], body: text } },
    dynamicMetadata: undefined,
  };
}

function headerOption([key, value]: NameValue): HeaderValueOption {
  return {
    header: { key, value, rawValue: Buffer.alloc(0) },
    append: undefined,
    appendAction: HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD,
    keepEmptyValue: false,
  };
}

const STATUS_CODES: ReadonlyMap<number, StatusCode> = new Map(Object.values(StatusCode).map((code) => [code, code]));

function statusCode(code: number): StatusCode {
  return STATUS_CODES.get(code) ?? 403;
}
