/** Rows of the table of problems (problem-table.ts) for what a rule of the domain refuses: a submit, a vote, a cancellation, a revocation. */
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
    title: "More is asked than is offered",
    detail: "Ask for at most the elevation's max_uses and max_duration, starting within seven days.",
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
    detail:
      "A human approval is given to a person, by a person; the issuer's configuration maps no claim of this token.",
  },
  already_granted: {
    status: 409,
    title: "A live grant covers this already",
    detail: "Repeat the call; `grant_id` names the grant.",
  },
  not_human: { status: 403, title: "A machine does not review", detail: "A person has to use their own token." },
  is_requester: {
    status: 403,
    title: "Nobody reviews their own request",
    detail: "Under no account, and not for an agent of theirs. It is on record; GET …/approvers says who may.",
  },
  not_eligible: {
    status: 403,
    title: "Your review is not asked for",
    detail: "You are in none of the reviewer sets; GET …/approvers lists them.",
  },
  stage_not_open: {
    status: 409,
    title: "It is not your turn",
    detail: "Others are asked first, or were: GET …/approvers says whose turn it is. You may deny it now.",
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
    title: "You have reviewed this before",
    detail: "A person votes once, whatever account they use.",
  },
  digest_mismatch: {
    status: 409,
    title: "This is not what you were shown",
    detail: "Get the request again, read it, and send its `digest`.",
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
    detail: "Fewer uses, shorter, a later start within seven days, or `exact`: nothing beyond what was asked.",
    pointer: "/narrowing",
  },
  no_common_time: {
    status: 409,
    title: "The approvals have no moment in common",
    detail: "An earlier approval is for another time: see `reviews`, and approve with a `not_before` inside of it.",
  },
  not_requester: {
    status: 403,
    title: "Only the requester can cancel",
    detail: "As a reviewer, deny it, or revoke its grant.",
  },
  already_final: { status: 409, title: "The grant has ended", detail: "There is nothing left to revoke." },
} as const;
