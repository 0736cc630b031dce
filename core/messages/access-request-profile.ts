/**
 * Which edition of AuthZEN's Access Request and Approval Profile is spoken here, by both adapters to it (services/decision/authzen and
 * services/approval/rest/access-requests). The draft has no member for it, neither in the metadata nor in a message, so it is told where a client
 * would look next: in both OpenAPI documents and in docs/authzen.md.
 */
export const ACCESS_REQUEST_PROFILE = {
  id: "authzen-access-request-approval-profile-1_0",
  draft: 1,
  date: "2026-04-29",
  /** Of the metadata's `capabilities`; of every edition. */
  capability: "urn:openid:authzen:capability:access-request",
} as const;

const { id, draft, date } = ACCESS_REQUEST_PROFILE;

/** As `externalDocs` of OpenAPI has it. */
export const PROFILE_DOCS = {
  description: `AuthZEN Access Request and Approval Profile 1.0, draft ${draft} of ${date}`,
  url: `https://openid.github.io/authzen/${id}.html`,
} as const;
