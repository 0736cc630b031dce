# METADATA
# title: Usual hours and places
# description: |
#   Engineers read the vault at their usual hours and from their usual places; otherwise somebody countersigns, and sees
#   what is usual. The profile (`context.profiles.enabled`) is only evidence; this policy says what is unusual: an hour or
#   network seen on fewer than three days, of an account seen on at least ten. Days count, not calls: a stolen token adds
#   one day to an hour or a place, however long it is used that day. A place is a network, or a country seen on five days,
#   because the networks of a phone change and a country is larger (`context.countryDatabase`). Without a profile
#   everything is unusual, and so is a source address that cannot be parsed: `fallible_calls` says that a failing look-up
#   opens nothing.
# schemas:
#   - input: schema.input
# custom:
#   fallible_calls: [net.cidr_contains]
# scope: package
package countersign.policies.vault

import data.countersign.lib.http

# METADATA
# title: Engineers, as usual
allow contains "vault_read" if {
	_engineer_reads
	_is_usual
}

# METADATA
# title: Else for half an hour, countersigned
elevate contains {
	"entitlement": "vault-unusual",
	"scope": "vault",
	"title": "Read the vault at an unusual time or place",
	"display": [
		{"label": "Usual hours (UTC)", "value": _usual_hours_shown},
		{"label": "Usual networks", "value": _usual_networks_shown},
		{"label": "Usual countries", "value": _usual_countries_shown},
	],
	"approvers_hint": "the team of the engineer",
	"risk": "high",
	"binding": "scope",
	"max_uses": "unlimited",
	"max_duration": "30m",
} if {
	_engineer_reads
	not _is_usual
}

_is_usual if {
	input.context.profile.days >= 10
	[hour, _, _] := time.clock(time.parse_rfc3339_ns(input.context.time))
	hour in _usual_hours
	_is_usual_place
}

_is_usual_place if {
	some network in _usual_networks
	net.cidr_contains(network, input.context.source_address)
}

_is_usual_place if input.context.country in _usual_countries

_usual_hours := {seen.hour |
	some seen in input.context.profile.hours
	seen.days >= 3
}

_usual_networks := {seen.network |
	some seen in input.context.profile.networks
	seen.days >= 3
}

_usual_countries := {seen.country |
	some seen in input.context.profile.countries
	seen.days >= 5
}

default _usual_hours_shown := "none known"

_usual_hours_shown := concat(", ", [sprintf("%d", [hour]) | some hour in _usual_hours]) if count(_usual_hours) > 0

default _usual_networks_shown := "none known"

_usual_networks_shown := concat(", ", _usual_networks) if count(_usual_networks) > 0

default _usual_countries_shown := "none known"

_usual_countries_shown := concat(", ", _usual_countries) if count(_usual_countries) > 0

_engineer_reads if {
	input.action.name == "GET"
	input.parsed_path[0] == "vault"
	http.in_group("engineers")
}
