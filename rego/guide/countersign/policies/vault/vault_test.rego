package countersign.guide.vault_test

import data.countersign.policies.vault

_call(group, context) := {
	"action": {"name": "GET"},
	"parsed_path": ["vault"],
	"subject": {"properties": {"groups": [group], "actors": []}},
	"context": object.union({"state": {"fresh": true}, "time": "2026-11-24T10:30:00Z"}, context),
}

_last := "2026-11-23T10:00:00Z"

_profile(days, hour, days_of_hour) := {
	"days": days,
	"since": "2026-09-01T10:00:00Z",
	"as_of": _last,
	"hours": [{"hour": hour, "days": days_of_hour, "last": _last}],
	"networks": [
		{"network": "192.0.2.0/24", "days": 3, "last": _last},
		{"network": "203.0.113.0/24", "days": 2, "last": _last},
	],
	"countries": [
		{"country": "DE", "days": 5, "last": _last},
		{"country": "FR", "days": 4, "last": _last},
	],
}

# Of an engineer who works at nine and ten, from one network, on the day on which somebody used their stolen token from
# midnight to seven, from elsewhere.
_profile_after_a_theft := {
	"days": 31,
	"since": "2026-09-01T10:00:00Z",
	"as_of": "2026-11-24T10:00:00Z",
	"hours": array.concat(
		[{"hour": hour, "days": 30, "last": _last} | some hour in [9, 10]],
		[{"hour": hour, "days": 1, "last": "2026-11-24T00:00:00Z"} | some hour in numbers.range(0, 6)],
	),
	"networks": [
		{"network": "192.0.2.0/24", "days": 30, "last": _last},
		{"network": "198.51.100.0/24", "days": 1, "last": "2026-11-24T00:00:00Z"},
	],
	"countries": [
		{"country": "DE", "days": 30, "last": _last},
		{"country": "US", "days": 1, "last": "2026-11-24T00:00:00Z"},
	],
}

_reads(profile, address) := _call("engineers", {"profile": profile, "source_address": address})

_reads_in(country) := _call("engineers", {
	"profile": _profile(50, 10, 20),
	"source_address": "198.51.100.7",
	"country": country,
})

_after_a_theft(time, address, country) := _call("engineers", {
	"profile": _profile_after_a_theft,
	"time": time,
	"source_address": address,
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
	_countersigned(_reads(_profile(50, 10, 20), "203.0.113.7"))
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

test_an_account_seen_on_few_days_has_no_habits if {
	_countersigned(_reads(_profile(9, 10, 9), "192.0.2.7"))
	vault.allow == {"vault_read"} with input as _reads(_profile(10, 10, 3), "192.0.2.7")
}

test_a_stolen_token_makes_nothing_usual_by_being_used_for_hours if {
	every hour in numbers.range(0, 6) {
		_countersigned(_after_a_theft(sprintf("2026-11-24T%02d:59:00Z", [hour]), "192.0.2.7", "DE"))
	}
	_countersigned(_after_a_theft("2026-11-24T10:30:00Z", "198.51.100.7", "US"))
	vault.allow == {"vault_read"} with input as _after_a_theft("2026-11-24T10:30:00Z", "192.0.2.7", "DE")
}

test_an_account_seen_for_the_first_time_today_has_no_habits_however_often_it_calls if {
	today := {
		"days": 1,
		"since": "2026-11-24T00:00:00Z",
		"as_of": "2026-11-24T10:00:00Z",
		"hours": [{"hour": hour, "days": 1, "last": _last} | some hour in numbers.range(0, 10)],
		"networks": [{"network": "192.0.2.0/24", "days": 1, "last": _last}],
		"countries": [{"country": "DE", "days": 1, "last": _last}],
	}
	_countersigned(_call("engineers", {"profile": today, "source_address": "192.0.2.7", "country": "DE"}))
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
