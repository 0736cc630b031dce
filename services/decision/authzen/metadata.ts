/**
 * The metadata of this decision point (AuthZEN 1.0, "Policy Decision Point Metadata"): names only what is served. Searches are served while the
 * active bundle exposes candidates.
 */
import { ACCESS_REQUEST_PROFILE } from "../../../core/messages/access-request-profile.ts";
import type { Candidates } from "./ports.ts";
import type { AccessRequests } from "./access-request.ts";

export const PATHS = {
  evaluation: "/access/v1/evaluation",
  evaluations: "/access/v1/evaluations",
  searchSubject: "/access/v1/search/subject",
  searchResource: "/access/v1/search/resource",
  searchAction: "/access/v1/search/action",
  jwks: "/access/v1/jwks",
} as const;

type Metadata = { readonly [member: string]: string | readonly string[] };

/** The well-known path: between host and path of the base URL (RFC 8615). */
export function metadataPath(baseUrl: string): string {
  const { pathname } = new URL(baseUrl);
  return `/.well-known/authzen-configuration${pathname === "/" ? "" : pathname}`;
}

/** `baseUrl` as it is configured, which callers compare character by character. */
export function metadataOf(
  baseUrl: string,
  candidates: Pick<Candidates, "offered">,
  accessRequests: Pick<AccessRequests, "endpoint"> | undefined,
): Metadata {
  const requests =
    accessRequests === undefined
      ? {}
      : {
          access_request_endpoint: accessRequests.endpoint,
          jwks_uri: baseUrl + PATHS.jwks,
          capabilities: [ACCESS_REQUEST_PROFILE.capability],
        };
  const searches = {
    search_subject_endpoint: baseUrl + PATHS.searchSubject,
    search_resource_endpoint: baseUrl + PATHS.searchResource,
    search_action_endpoint: baseUrl + PATHS.searchAction,
  };
  return {
    policy_decision_point: baseUrl,
    access_evaluation_endpoint: baseUrl + PATHS.evaluation,
    access_evaluations_endpoint: baseUrl + PATHS.evaluations,
    ...(candidates.offered() ? searches : {}),
    ...requests,
  };
}
