/**
 * Merges what several packages want to add to one answer. Two packages that set the same key to different values are a conflict, not a race. NB:
 * a value with a line break would split a header; opa-envoy-plugin passes it on, we refuse it.
 */
import type { PolicyFault, ResponseFields } from "../domain/decision.ts";
import type { ResponseWire } from "./schema/result.ts";

type Merged =
  | { readonly kind: "merged"; readonly fields: ResponseFields }
  | { readonly kind: "fault"; readonly reason: PolicyFault; readonly detail: string };

type HeaderTable = Record<string, string | string[]>;

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

export function mergeResponses(responses: readonly ResponseWire[]): Merged {
  const headers = mergeHeaders(responses.map((response) => response.headers));
  const added = mergeHeaders(responses.map((response) => response.response_headers_to_add));
  const removed = new Set(
    responses.flatMap((response) => response.request_headers_to_remove ?? []).map((name) => name.toLowerCase()),
  );
  if (headers.kind === "fault") return headers;
  if (added.kind === "fault") return added;
  const badName = [...removed].find((name) => !HEADER_NAME.test(name));
  if (badName !== undefined) return invalid("a header to remove is not a header name");
  const clash = headers.list.find(([name]) => removed.has(name));
  if (clash !== undefined) return conflict(clash[0]);
  return {
    kind: "merged",
    fields: { headers: headers.list, responseHeadersToAdd: added.list, requestHeadersToRemove: [...removed].sort() },
  };
}

type MergedHeaders =
  | { readonly kind: "list"; readonly list: readonly (readonly [string, string])[] }
  | Extract<Merged, { kind: "fault" }>;

function mergeHeaders(tables: readonly (HeaderTable | undefined)[]): MergedHeaders {
  const merged = new Map<string, readonly string[]>();
  for (const table of tables) {
    for (const [rawName, rawValue] of Object.entries(table ?? {})) {
      const name = rawName.toLowerCase();
      const values = typeof rawValue === "string" ? [rawValue] : rawValue;
      if (!HEADER_NAME.test(name)) return invalid("a header name is not a token");
      if (values.some((value) => /[\r\n\0]/.test(value))) return invalid(`header ${name} holds a line break`);
      const before = merged.get(name);
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(values)) return conflict(name);
      merged.set(name, values);
    }
  }
  const sorted = [...merged].sort(([a], [b]) => (a < b ? -1 : 1));
  return { kind: "list", list: sorted.flatMap(([name, values]) => values.map((value) => [name, value] as const)) };
}

function conflict(name: string): Extract<Merged, { kind: "fault" }> {
  return { kind: "fault", reason: "policy_conflict", detail: `packages disagree about header ${name}` };
}

function invalid(detail: string): Extract<Merged, { kind: "fault" }> {
  return { kind: "fault", reason: "policy_result_invalid", detail };
}
