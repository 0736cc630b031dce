package countersign.approval

# METADATA
# title: Whether a person may review a request
# description: Entrypoint of the approval service, asked at each vote. It can refuse more than the requirement does, never less.
# entrypoint: true
# schemas:
#   - input: schema.may_review_input
may_review := {"allowed": count(_review_refusals) == 0, "reasons": _review_refusals}

# METADATA
# schemas:
#   - input: schema.may_review_input
_review_refusals contains "a developer does not review deletions" if {
	input.request.elevation.entitlement == "orders-delete"
	"developers" in input.reviewer.groups
}

# METADATA
# schemas:
#   - input: schema.may_review_input
_review_refusals contains "the reviewer is suspended" if {
	input.reviewer.claims.suspended == true
}
