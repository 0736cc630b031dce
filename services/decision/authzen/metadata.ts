/**
 * The metadata of this decision point (AuthZEN 1.0, section 9): only what is served is named, and what is not there is left
 * out. Searches are served while the active bundle exposes candidates.
 */
import type { Candidates } from "../ports.ts";

export const PATHS = {
  evaluation: "/access/v1/evaluation",
  evaluations: "/access/v1/evaluations",
  searchSubject: "/access/v1/search/subject",
  searchResource: "/access/v1/search/resource",
  searchAction: "/access/v1/search/action",
} as const;

export type Metadata = { readonly [member: string]: string | readonly string[] };

/** The well-known path: between host and path of the base URL (RFC 8615). */
export function metadataPath(baseUrl: string): string {
  const { pathname } = new URL(baseUrl);
  return `/.well-known/authzen-configuration${pathname === "/" ? "" : pathname}`;
}

/** `baseUrl` as it is configured, which callers compare character by character. */
export function metadataOf(baseUrl: string, candidates: Pick<Candidates, "offered">): Metadata {
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
  };
}
