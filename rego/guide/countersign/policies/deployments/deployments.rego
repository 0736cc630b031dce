# METADATA
# title: Incident
# description: |
#   While an incident is open only its responders deploy. `custom.requires` says that nothing can be decided without
#   knowing of incidents: where `input.context.incidents` is absent or not fresh, a bundle with this package allows
#   nothing at all (`context_unavailable`). This service does not state incidents yet, so for now that is always.
# schemas:
#   - input: schema.input
# custom:
#   requires: [incidents]
# scope: package
package countersign.policies.deployments

import data.countersign.lib.http

# METADATA
# title: Release managers deploy, and responders do
allow contains "deploy" if {
	_deploys
	some group in {"release-managers", "incident-responders"}
	http.in_group(group)
}

# METADATA
# title: Nobody else while an incident is open
deny contains "frozen_by_incident" if {
	_deploys
	count(_incidents) > 0
	not http.in_group("incident-responders")
}

_incidents := object.get(input.context, "incidents", [])

_deploys if {
	input.action.name == "POST"
	input.parsed_path[0] == "deployments"
}
