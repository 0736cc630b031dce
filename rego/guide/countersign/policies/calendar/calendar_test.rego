package countersign.guide.calendar_test

import data.countersign.policies.calendar

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_by_agent := object.union(
	_call("POST", ["calendar"], ["staff"]),
	{"parsed_body": {"at": "noon"}, "subject": {"properties": {"actors": [{"issuer": "https://id.example", "id": "bot"}]}}},
)

test_an_agent_does_not_write_by_itself if {
	count(calendar.allow) == 0 with input as _by_agent
	some elevation in calendar.elevate with input as _by_agent
	elevation.display[0].value == "bot"
}

test_an_invitation_that_cannot_be_shown_is_not_offered if {
	count(calendar.elevate) == 0 with input as object.union(_by_agent, {"parsed_body": null})
}

test_without_known_actors_nobody_writes if {
	document := json.remove(_call("POST", ["calendar"], ["staff"]), ["subject/properties/actors"])
	count(calendar.allow) == 0 with input as document
}

test_a_person_writes_and_an_agent_reads if {
	calendar.allow == {"calendar_write"} with input as _call("POST", ["calendar"], ["staff"])
	count(calendar.elevate) == 0 with input as _call("POST", ["calendar"], ["staff"])
	calendar.allow == {"calendar_read"} with input as object.union(_by_agent, {"action": {"name": "GET"}})
}
