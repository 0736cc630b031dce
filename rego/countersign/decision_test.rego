package countersign_test

import data.countersign

_with(deny, elevate, allow) := {"one": {"deny": deny, "allow": set()}, "two": {"elevate": elevate, "allow": allow}}

test_nothing_matches if {
	countersign.decision.outcome == "no_rule_matched" with data.countersign.policies as {}
}

test_allow_needs_one_rule if {
	answer := countersign.decision with data.countersign.policies as _with(set(), set(), {"a"})
	answer.outcome == "allow"
	answer.reasons == {"a"}
}

test_elevate_outranks_allow if {
	answer := countersign.decision with data.countersign.policies as _with(set(), {{"entitlement": "e"}}, {"a"})
	answer.outcome == "elevate"
	answer.elevations == {{"entitlement": "e"}}
	answer.reasons == set()
}

test_deny_outranks_all if {
	answer := countersign.decision with data.countersign.policies as _with({"d"}, {{"entitlement": "e"}}, {"a"})
	answer.outcome == "deny"
	answer.reasons == {"d"}
}

test_responses_are_collected if {
	answer := countersign.decision with data.countersign.policies as {"one": {"response": {"headers": {"a": "b"}}}}
	answer.responses == {{"headers": {"a": "b"}}}
}

test_a_rule_that_is_no_set_is_named if {
	policies := {"one": {"deny": true}, "two": {"elevate": "x"}, "three": {"allow": 1}, "four": {"deny": false}}
	answer := countersign.decision with data.countersign.policies as policies
	answer.malformed == {"one.deny", "two.elevate", "three.allow", "four.deny"}
}

_missing(context) := _missing_of("incidents", context)

_missing_of(name, context) := answer.context_missing if {
	answer := countersign.decision with input as {"context": context}
		with data.countersign.requires as {"one": [name]}
		with data.countersign.policies as {}
}

test_what_is_made_at_the_moment_must_be_there_and_needs_no_state if {
	_missing_of("source_address", {"state": {"fresh": true}}) == {"source_address"}
	_missing_of("source_address", {"state": {"fresh": false}, "source_address": "192.0.2.7"}) == set()
}

test_required_context_must_be_there_and_fresh if {
	_missing({"state": {"fresh": true}}) == {"incidents"}
	_missing({"state": {"fresh": false}, "incidents": []}) == {"incidents"}
	_missing({"state": {"fresh": true}, "incidents": []}) == set()
}
