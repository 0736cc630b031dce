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

test_during_an_incident_others_do_not_deploy if {
	deployments.deny == {"frozen_by_incident"} with input as _during([{}], "release-managers")
}

test_during_an_incident_responders_deploy if {
	count(deployments.deny) == 0 with input as _during([{}], "incident-responders")
	deployments.allow == {"deploy"} with input as _during([{}], "incident-responders")
}

test_without_one_release_managers_deploy if {
	count(deployments.deny) == 0 with input as _during([], "release-managers")
	deployments.allow == {"deploy"} with input as _during([], "release-managers")
}
