# METADATA
# description: |
#   The decisions of the certification fixture, over the attributes that it stores (data.countersign.lib.fixture). Properties of a request
#   take precedence over stored ones.
package countersign.policies.records

import data.countersign.lib.fixture

_subject := [one | some one in fixture.subjects; one.type == input.subject.type; one.id == input.subject.id][0]

_resource := [one | some one in fixture.resources; one.type == input.resource.type; one.id == input.resource.id][0]

_role := object.get(input.subject.properties, "role", object.get(_subject.stored, "role", "none"))

_status := object.get(input.resource.properties, "status", object.get(_resource.stored, "status", "none"))

allow contains "anybody known reads" if {
	input.action.name == "read"
	_subject
	_resource
}

allow contains "alice writes what is not archived" if {
	input.action.name == "write"
	_subject.id == "alice"
	_resource
	_status != "archived"
}

allow contains "an admin writes what is archived" if {
	input.action.name == "write"
	_role == "admin"
	_resource
	_status == "archived"
}

allow contains "alice deletes softly" if {
	input.action.name == "delete"
	_subject.id == "alice"
	_resource
	input.action.properties.soft == true
}
