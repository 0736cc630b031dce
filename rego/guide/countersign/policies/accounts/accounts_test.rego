package countersign.guide.accounts_test

import data.countersign.policies.accounts

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_change := object.union(
	_call("PATCH", ["admin-api", "accounts", "7"], ["administrators"]),
	{"parsed_body": {"locked": true}, "context": {"source_address": "10.1.2.3"}},
)

test_from_elsewhere_everybody_is_denied if {
	accounts.deny == {"network_not_trusted"} with input as object.union(_change, {"context": {"source_address": "8.8.8.8"}})
}

test_a_change_that_cannot_be_shown_is_not_offered if {
	count(accounts.elevate) == 0 with input as object.union(_change, {"parsed_body": null})
}

test_a_change_is_never_allowed_by_itself if {
	count(accounts.allow) == 0 with input as _change
	count(accounts.deny) == 0 with input as _change
	some elevation in accounts.elevate with input as _change
	elevation.binding == "exact"
	elevation.display[1].value == `{"locked":true}`
}

test_administrators_look if {
	accounts.allow == {"accounts_read"} with input as object.union(_change, {"action": {"name": "GET"}})
}
