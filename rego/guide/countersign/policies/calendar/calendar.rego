# METADATA
# title: Agent acting for a person
# description: |
#   An agent that acts for a person reads what the person may read, but everything that it sends in the person's name
#   needs a countersignature. `actors` lists who acts, from the token's `act` claim; it is empty for a person who asks in
#   person.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.calendar

import data.countersign.lib.http

# METADATA
# title: Staff and their agents read
allow contains "calendar_read" if {
	http.reads
	_is_calendar
	http.in_group("staff")
}

# METADATA
# title: People write for themselves
allow contains "calendar_write" if {
	_writes
	count(input.subject.properties.actors) == 0
}

# METADATA
# title: What an agent sends in a person's name
elevate contains {
	"entitlement": "agent-invitation",
	"scope": "calendar",
	"title": "An agent sends an invitation",
	"display": [
		{"label": "Agent", "value": agent.id},
		{"label": "Invitation", "value": json.marshal(input.parsed_body)},
	],
	"approvers_hint": "a colleague of the person; nobody approves their own",
	"binding": "exact",
	"max_duration": "15m",
	"justification": {"required": false},
} if {
	_writes
	agent := input.subject.properties.actors[0]
	is_object(input.parsed_body) # what a reviewer cannot be shown is not offered for approval
}

_writes if {
	input.action.name == "POST"
	_is_calendar
	http.in_group("staff")
}

_is_calendar if input.parsed_path[0] == "calendar"
