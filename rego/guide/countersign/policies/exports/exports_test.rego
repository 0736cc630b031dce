package countersign.guide.exports_test

import data.countersign.policies.exports

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_from(country) := object.union(_call("GET", ["exports", "7"], ["analysts"]), {"context": {"country": country}})

test_elsewhere_and_from_nowhere_it_is_denied if {
	exports.deny == {"country_not_trusted"} with input as _from("US")
	exports.deny == {"country_not_trusted"} with input as _call("GET", ["exports", "7"], ["analysts"])
}

test_analysts_export_to_trusted_countries if {
	count(exports.deny) == 0 with input as _from("DE")
	exports.allow == {"export"} with input as _from("DE")
}
