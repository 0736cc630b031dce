package countersign.guide.payouts_test

import data.countersign.policies.payouts

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_pay(amount) := object.union(
	_call("POST", ["payouts"], ["finance"]),
	{"parsed_body": {"amount": amount, "to": "ACME"}},
)

test_what_cannot_be_read_is_denied if {
	payouts.deny == {"payout_not_readable"} with input as _call("POST", ["payouts"], ["finance"])
	payouts.deny == {"payout_not_readable"} with input as _pay(-1)
	count(payouts.allow) == 0 with input as _pay(-1)
	"payout_not_readable" in payouts.deny with input as _pay("40")
}

test_above_the_limit_nobody_can_approve if {
	payouts.deny == {"above_the_limit"} with input as _pay(50001)
}

test_above_500_it_takes_a_countersignature_for_the_amount if {
	count(payouts.allow) == 0 with input as _pay(501)
	some elevation in payouts.elevate with input as _pay(501)
	elevation.scope == "payout/501"
}

test_up_to_500_it_takes_none if {
	payouts.allow == {"small_payout"} with input as _pay(500)
	count(payouts.elevate) == 0 with input as _pay(500)
}
