/**
 * What an `exact` grant is tied to. This file lays out the fields, in order; core/messages hashes them. Each field is hashed separately (with its
 * name, so that no two fields can trade places), and the digest is the hash over the version and the ordered field hashes. So a denial can carry
 * sensitive fields as hashes only, and the approval service can still recompute the digest. Explained in docs/decision-path.md, "What an exact
 * approval is tied to".
 *
 * NB: `exact` needs the enforcer's assurance that it buffers. Without it, a body that was not sent to us looks like no body, and approving the
 * empty POST would approve every POST.
 */

export type Body =
  /** All bytes, as received: needs `pack_as_bytes` and the route's assurance that it buffers. An empty body has zero bytes. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "not_buffered" }
  | { readonly kind: "partial" }
  /** Sent as text: Envoy turns every non-UTF-8 byte into `!`, so different bodies look the same. */
  | { readonly kind: "text" };

/** One HTTP request as the enforcer described it. Nothing is decoded, trimmed or normalised here. */
export type HttpRequest = {
  readonly method: string;
  readonly scheme: string;
  /** Lower case. */
  readonly authority: string;
  /** Exact bytes before the first `?`. */
  readonly path: string;
  /** Exact bytes from the first `?` on, with it; empty when there is none. `/p` and `/p?` differ. */
  readonly query: string;
  /** Lower-case name → values in order of arrival. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Body;
};

export const BINDING_VERSION = "countersign/http/v1";

/** A field and its values, each to be hashed length-prefixed after the name. */
export type BoundField = { readonly name: string; readonly values: readonly (string | Uint8Array)[] };

/** The fields that travel in plain in a denial; all others travel as hashes. */
export const PLAIN_FIELDS = ["issuer", "subject", "method", "authority", "path"] as const;

export type BindingRefusal = "body_not_bindable" | "not_reviewable";

type BindingLayout =
  | { readonly kind: "bindable"; readonly fields: readonly BoundField[] }
  | { readonly kind: "unbindable"; readonly reason: BindingRefusal };

export type BindingInput = {
  readonly issuer: string;
  readonly subject: string;
  /** Undefined for what is not HTTP (TCP, our gRPC API), where only `scope` exists. */
  readonly http: HttpRequest | undefined;
  readonly bindHeaders: readonly string[];
  /** Whether a person would see what is bound: the elevation has at least one display line. */
  readonly hasDisplay: boolean;
};

/** Lays out the bound fields of one request for one elevation (or one grant's `bindHeaders`), or says why it cannot. */
export function layOutBinding({ issuer, subject, http, bindHeaders, hasDisplay }: BindingInput): BindingLayout {
  if (http === undefined || http.body.kind !== "bytes") return { kind: "unbindable", reason: "body_not_bindable" };
  const contentEncoding = http.headers.get("content-encoding") ?? [];
  if (contentEncoding.some((value) => value.toLowerCase() !== "identity")) {
    return { kind: "unbindable", reason: "body_not_bindable" };
  }
  const showsNothing = http.body.bytes.length === 0 && http.query === "";
  if (!hasDisplay && !showsNothing) return { kind: "unbindable", reason: "not_reviewable" };
  return {
    kind: "bindable",
    fields: [
      { name: "issuer", values: [issuer] },
      { name: "subject", values: [subject] },
      { name: "method", values: [http.method] },
      { name: "scheme", values: [http.scheme] },
      { name: "authority", values: [http.authority] },
      { name: "path", values: [http.path] },
      { name: "query", values: [http.query] },
      { name: "content-type", values: http.headers.get("content-type") ?? [] },
      { name: "content-encoding", values: contentEncoding },
      ...bindHeaders.map((name) => ({ name: `header:${name}`, values: http.headers.get(name) ?? [] })),
      { name: "body", values: [http.body.bytes] },
    ],
  };
}

/** The names of the fields in order, for whoever recombines field hashes into the digest. */
export function boundFieldNames(bindHeaders: readonly string[]): readonly string[] {
  return [
    "issuer",
    "subject",
    "method",
    "scheme",
    "authority",
    "path",
    "query",
    "content-type",
    "content-encoding",
    ...bindHeaders.map((name) => `header:${name}`),
    "body",
  ];
}
