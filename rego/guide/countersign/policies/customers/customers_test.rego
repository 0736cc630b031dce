package countersign.guide.customers_test

import data.countersign.policies.customers

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

test_all_at_once_is_denied if {
	customers.deny == {"not_all_customers"} with input as _call("DELETE", ["customers"], ["support"])
	customers.deny == {"not_all_customers"} with input as _call("DELETE", ["customers", ""], ["support"])
	count(customers.elevate) == 0 with input as _call("DELETE", ["customers", ""], ["support"])
}

test_others_are_offered_nothing if {
	count(customers.elevate) == 0 with input as _call("DELETE", ["customers", "7"], ["sales"])
}

test_one_is_elevated_by_its_name if {
	some elevation in customers.elevate with input as _call("DELETE", ["customers", "7"], ["support"])
	elevation.scope == "customer/7"
}
