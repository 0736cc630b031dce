package countersign.approval_test

import data.countersign.approval

_request(entitlement, scope, justification) := {"request": {
	"elevation": {"entitlement": entitlement, "scope": scope, "title": "Do it"},
	"justification": justification,
}}

test_a_deletion_needs_a_manager if {
	approval.route == {"requirement": {"group": "managers"}} with input as _request("orders-delete", "order/42", "stuck order")
}

test_a_small_refund_needs_a_manager if {
	approval.route == {"requirement": {"group": "managers"}} with input as _request("refund", "order/7/amount/100", "broken on arrival")
}

test_a_large_refund_needs_security_too if {
	both := {"requirement": {"all_of": [{"group": "managers"}, {"group": "security"}]}}
	approval.route == both with input as _request("refund", "order/7/amount/100.01", "broken on arrival")
	approval.route == both with input as _request("refund", "order/7/amount/4000", "broken on arrival")
}

test_a_huge_refund_needs_them_one_after_the_other_and_is_paid_at_once if {
	answer := approval.route with input as _request("refund", "order/7/amount/10000.01", "broken on arrival")
	answer.requirement == {"stages": [{"group": "managers"}, {"group": "security"}]}
	answer.limits == {"max_uses": 1, "max_duration": "10m"}
	answer.expires_in == "8h"
}

test_a_refund_without_an_amount_is_a_large_one if {
	both := {"requirement": {"all_of": [{"group": "managers"}, {"group": "security"}]}}
	approval.route == both with input as _request("refund", "order/x", "broken on arrival")
}

test_a_refund_with_an_exponent_is_a_large_one if {
	both := {"requirement": {"all_of": [{"group": "managers"}, {"group": "security"}]}}
	approval.route == both with input as _request("refund", "order/7/amount/1e5", "broken on arrival")
}

test_a_justification_that_says_nothing_is_denied_at_once if {
	answer := approval.route with input as _request("refund", "order/7/amount/1", " do it ")
	answer.decide == "deny"
}

test_a_manager_may_review if {
	document := object.union(_request("orders-delete", "order/42", "x"), {"reviewer": {"groups": ["managers"], "claims": {}}})
	approval.may_review == {"allowed": true, "reasons": set()} with input as document
}

test_a_developer_may_not_review_deletions if {
	document := object.union(_request("orders-delete", "order/42", "x"), {"reviewer": {"groups": ["developers"], "claims": {}}})
	not approval.may_review.allowed with input as document
}

test_a_suspended_reviewer_may_not_review if {
	document := object.union(_request("refund", "order/42", "x"), {"reviewer": {"groups": ["managers"], "claims": {"suspended": true}}})
	approval.may_review.reasons == {"the reviewer is suspended"} with input as document
}
