/** Rows of the table of problems (problem-table.ts) for refusals by rules of the domain: a submit, a vote, a cancellation, a revocation. */
export const REFUSED_BY_RULE = {
  expired_denial: {
    status: 410,
    title: "The denial has lapsed",
    detail: "It was not submitted in time. Repeat the call to get a new one.",
    pointer: "/denial_id",
  },
  unknown_elevation: {
    status: 422,
    title: "The denial does not offer this",
    detail: "Choose one of its elevations by entitlement and scope, or leave both out.",
    pointer: "/elevation",
  },
  justification_required: {
    status: 422,
    title: "The justification is missing or too short",
    detail: "Say why in at least as many characters as the elevation's justification.min_length.",
    pointer: "/justification",
  },
  exceeds_offer: {
    status: 422,
    title: "The request exceeds the offer",
    detail:
      "Ask for at most the elevation's max_uses and max_duration, starting within seven days; not_after lies within that duration and ahead.",
    pointer: "/requested",
  },
  not_bindable: {
    status: 422,
    title: "This call cannot be bound exactly",
    detail: "Its `binding.unbindable` says why; leave `binding` out.",
    pointer: "/narrowing/binding",
  },
  no_person: {
    status: 403,
    title: "No person is known behind this account",
    detail: "Human approval is only for persons, and the issuer's `person` settings find none in this token.",
  },
  already_granted: {
    status: 409,
    title: "A grant already covers this",
    detail:
      "Repeat the call, or wait until the grant begins: `grant_id` names it, and its `not_before` says when. A time that does not meet its own may be asked for, by `requested`.",
  },
  not_human: { status: 403, title: "A machine cannot review", detail: "A person has to review, with their own token." },
  is_requester: {
    status: 403,
    title: "Nobody reviews their own request",
    detail:
      "Not under another account either, nor one of their agent. This is on record; GET …/approvers says who may review.",
  },
  not_eligible: {
    status: 403,
    title: "You are not a reviewer of this request",
    detail: "You are in none of the reviewer sets; GET …/approvers lists them.",
  },
  stage_not_open: {
    status: 409,
    title: "It is not your turn",
    detail: "Another stage is being reviewed: GET …/approvers says whose turn it is. You may deny the request now.",
  },
  policy_refused: {
    status: 403,
    title: "The policy does not let you review this",
    detail: "data.countersign.approval.may_review refused; the audit record names it.",
  },
  not_pending: {
    status: 409,
    title: "The request has ended",
    detail: "GET it to see how.",
  },
  already_reviewed: {
    status: 409,
    title: "You have already reviewed this",
    detail: "A person votes once, whichever account they use.",
  },
  digest_mismatch: {
    status: 409,
    title: "The digest does not match the request",
    detail: "GET the request again, read it, and send its `digest`.",
    pointer: "/digest",
  },
  reason_required: {
    status: 422,
    title: "A denial needs a reason",
    detail: "Say why in `comment`.",
    pointer: "/comment",
  },
  widens: {
    status: 422,
    title: "An approval can only narrow",
    detail:
      "Fewer uses, a shorter time, a later start within seven days, or `exact`: nothing beyond what was requested.",
    pointer: "/narrowing",
  },
  no_common_time: {
    status: 409,
    title: "The approvals have no time in common",
    detail: "An earlier approval is for another time: see `reviews`, and approve with a `not_before` within it.",
  },
  not_requester: {
    status: 403,
    title: "Only the requester can cancel",
    detail: "As a reviewer you can deny it, or revoke its grant.",
  },
  already_final: {
    status: 409,
    title: "The grant has ended",
    detail: "There is nothing left to revoke; GET it to see how it ended.",
  },
} as const;
