package countersign.guide.vault_test

import data.countersign.policies.vault

_call(group, context) := {
	"action": {"name": "GET"},
	"parsed_path": ["vault"],
	"subject": {"properties": {"groups": [group], "actors": []}},
	"context": object.union({"state": {"fresh": true}, "time": "2026-11-24T10:30:00Z"}, context),
}

_last := "2026-11-23T10:00:00Z"

_profile(observations, hour, count) := {
	"observations": observations,
	"since": "2026-09-01T10:00:00Z",
	"as_of": _last,
	"hours": [{"hour": hour, "count": count, "last": _last}],
	"networks": [{"network": "192.0.2.0/24", "count": 10, "last": _last}],
	"countries": [
		{"country": "DE", "count": 18, "last": _last},
		{"country": "FR", "count": 9, "last": _last},
	],
}

_reads(profile, address) := _call("engineers", {"profile": profile, "source_address": address})

_reads_in(country) := _call("engineers", {
	"profile": _profile(50, 10, 20),
	"source_address": "198.51.100.7",
	"country": country,
})

_countersigned(call) if {
	count(vault.allow) == 0 with input as call
	count(vault.elevate) == 1 with input as call
}

test_without_a_profile_somebody_countersigns if {
	_countersigned(_call("engineers", {"source_address": "192.0.2.7"}))
}

test_at_an_hour_that_is_unusual_or_was_rarely_seen_somebody_countersigns if {
	_countersigned(_reads(_profile(50, 9, 20), "192.0.2.7"))
	_countersigned(_reads(_profile(50, 10, 2), "192.0.2.7"))
}

test_from_an_unusual_or_unknown_place_somebody_countersigns if {
	_countersigned(_reads(_profile(50, 10, 20), "198.51.100.7"))
	_countersigned(_call("engineers", {"profile": _profile(50, 10, 20)}))
}

test_in_a_country_that_is_unusual_or_was_rarely_seen_somebody_countersigns if {
	_countersigned(_reads_in("US"))
	_countersigned(_reads_in("FR"))
}

test_another_network_of_a_usual_country_is_a_usual_place if {
	vault.allow == {"vault_read"} with input as _reads_in("DE")
}

test_a_usual_country_is_no_usual_hour if {
	_countersigned(_call("engineers", {"profile": _profile(50, 9, 20), "country": "DE"}))
}

test_a_profile_of_few_sightings_says_nothing if {
	_countersigned(_reads(_profile(19, 10, 19), "192.0.2.7"))
}

test_who_countersigns_sees_what_is_usual if {
	some elevation in vault.elevate with input as _reads(_profile(50, 9, 20), "192.0.2.7")
	[shown.value | some shown in elevation.display] == ["9", "192.0.2.0/24", "DE"]
}

test_who_countersigns_sees_that_nothing_is_known if {
	some elevation in vault.elevate with input as _call("engineers", {})
	[shown.value | some shown in elevation.display] == ["none known", "none known", "none known"]
}

test_others_are_not_offered_it if {
	count(vault.elevate) == 0 with input as _call("staff", {"source_address": "192.0.2.7"})
}

test_as_usual_it_takes_nobody if {
	vault.allow == {"vault_read"} with input as _reads(_profile(50, 10, 20), "192.0.2.7")
	count(vault.elevate) == 0 with input as _reads(_profile(50, 10, 20), "192.0.2.7")
}
