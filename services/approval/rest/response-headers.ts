/** Response headers, as the OpenAPI document describes them. */
export const HEADERS = {
  "x-request-id": { description: "Under it the log knows this call.", schema: { type: "string" } },
  etag: { description: "Changes with whatever is shown; give it as `If-Match`.", schema: { type: "string" } },
  location: { description: "Where it is.", schema: { type: "string" } },
  "retry-after": { description: "Seconds to wait.", schema: { type: "integer", minimum: 1 } },
  allow: { description: "The methods of this address.", schema: { type: "string" } },
  "www-authenticate": { description: "That a bearer token is wanted.", schema: { type: "string" } },
  "idempotency-replayed": {
    description: "`true`: the answer to the first call with this Idempotency-Key; nothing was done now.",
    schema: { type: "string", enum: ["true"] },
  },
} as const;

/** Of every answer. */
export function alwaysHeaders(requestId: string) {
  return { "cache-control": "no-store", "x-content-type-options": "nosniff", "x-request-id": requestId };
}
