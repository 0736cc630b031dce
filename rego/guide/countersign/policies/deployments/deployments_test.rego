package countersign.guide.deployments_test

import data.countersign.policies.deployments

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_during(incidents, group) := object.union(
	_call("POST", ["deployments"], [group]),
	{"context": {"incidents": incidents}},
)

_incident(scope) := {"id": "i", "severity": "high", "scope": scope, "since": "2026-11-24T10:00:00Z"}

_takes_back(incidents) := object.union(
	_call("DELETE", ["deployments", "7"], ["release-managers"]),
	{"context": {"incidents": incidents}},
)

test_during_an_incident_others_do_not_deploy if {
	deployments.deny == {"frozen_by_incident"} with input as _during([_incident("deployments")], "release-managers")
	deployments.deny == {"frozen_by_incident"} with input as _during([_incident("*")], "release-managers")
}

test_during_an_incident_responders_deploy if {
	count(deployments.deny) == 0 with input as _during([_incident("*")], "incident-responders")
	deployments.allow == {"deploy"} with input as _during([_incident("*")], "incident-responders")
}

test_an_incident_elsewhere_freezes_nothing if {
	count(deployments.deny) == 0 with input as _during([_incident("orders")], "release-managers")
	count(deployments.elevate) == 0 with input as _takes_back([_incident("orders")])
	deployments.allow == {"take_back"} with input as _takes_back([_incident("orders")])
}

test_during_an_incident_taking_back_needs_approval_and_shows_why if {
	some elevation in deployments.elevate with input as _takes_back([_incident("deployments")])
	elevation.scope == "deployment/7"
	elevation.display[1].value == "high since 2026-11-24T10:00:00Z"
}

test_others_are_not_offered_it if {
	count(deployments.elevate) == 0 with input as object.union(
		_takes_back([_incident("deployments")]),
		{"subject": {"properties": {"groups": ["staff"], "actors": []}}},
	)
}

test_without_one_release_managers_deploy if {
	count(deployments.deny) == 0 with input as _during([], "release-managers")
	deployments.allow == {"deploy"} with input as _during([], "release-managers")
}

test_only_a_whole_deployment_is_taken_back if {
	every path in [["deployments"], ["deployments", ""], ["deployments", "7", "pods"], ["deployments", "7", ""]] {
		call := object.union(_takes_back([_incident("deployments")]), {"parsed_path": path})
		count(deployments.elevate) == 0 with input as call
		count(deployments.allow) == 0 with input as call
		count(deployments.allow) == 0 with input as object.union(call, {"context": {"incidents": []}})
	}
}
