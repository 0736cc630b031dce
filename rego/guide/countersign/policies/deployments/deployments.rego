# METADATA
# title: Incident
# description: |
#   While an incident is open that affects deployments or everything, only its responders deploy, and taking a deployment
#   back needs approval. `custom.requires` says that nothing can be decided without knowing the incidents: while
#   `input.context.incidents` is absent or not fresh, a bundle with this package allows nothing at all
#   (`context_unavailable`).
# schemas:
#   - input: schema.input
# custom:
#   requires: [incidents]
# scope: package
package countersign.policies.deployments

import data.countersign.lib.http

# METADATA
# title: Release managers deploy and take back, and responders do
allow contains "deploy" if {
	_deploys
	_may_deploy
}

allow contains "take_back" if {
	_taken_back
	_may_deploy
}

# METADATA
# title: Nobody else while an incident is open
deny contains "frozen_by_incident" if {
	_deploys
	count(_incidents) > 0
	not http.in_group("incident-responders")
}

# METADATA
# title: During an incident nothing is deleted by one person alone
elevate contains {
	"entitlement": "deployment-delete",
	"scope": sprintf("deployment/%s", [_taken_back]),
	"title": "Take a deployment back during an incident",
	"display": [
		{"label": "Deployment", "value": _taken_back},
		{"label": "Open incidents", "value": concat(", ", _incidents)},
	],
	"approvers_hint": "release managers",
	"risk": "high",
	"binding": "scope",
	"max_duration": "30m",
} if {
	_taken_back
	_may_deploy
	count(_incidents) > 0
}

_incidents := {sprintf("%s since %s", [incident.severity, incident.since]) |
	some incident in input.context.incidents
	incident.scope in {"*", "deployments"}
}

_may_deploy if {
	some group in {"release-managers", "incident-responders"}
	http.in_group(group)
}

_taken_back := deployment if {
	input.action.name == "DELETE"
	["deployments", deployment] = input.parsed_path
	deployment != ""
}

_deploys if {
	input.action.name == "POST"
	input.parsed_path[0] == "deployments"
}
