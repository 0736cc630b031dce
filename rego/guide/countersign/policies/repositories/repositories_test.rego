package countersign.guide.repositories_test

import data.countersign.policies.repositories

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_on(managed) := object.union(
	_call("GET", ["repositories"], ["developers"]),
	{"context": {"device": {"managed": managed}}},
)

test_a_device_of_which_nothing_is_said_is_not_managed if {
	repositories.deny == {"device_not_managed"} with input as _call("GET", ["repositories"], ["developers"])
	repositories.deny == {"device_not_managed"} with input as _on("false")
}

test_a_managed_device_reads if {
	count(repositories.deny) == 0 with input as _on("true")
	repositories.allow == {"source_read"} with input as _on("true")
}
