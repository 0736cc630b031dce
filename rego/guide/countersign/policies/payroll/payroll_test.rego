package countersign.guide.payroll_test

import data.countersign.policies.payroll

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

_at(open) := object.union(_call("GET", ["payroll"], ["accountants"]), {"context": {"local": {"office_hours": open}}})

test_after_hours_it_takes_a_countersignature if {
	count(payroll.allow) == 0 with input as _at(false)
	count(payroll.elevate) == 1 with input as _at(false)
}

test_without_a_known_time_it_is_after_hours if {
	count(payroll.allow) == 0 with input as _call("GET", ["payroll"], ["accountants"])
	count(payroll.elevate) == 1 with input as _call("GET", ["payroll"], ["accountants"])
}

test_in_office_hours_it_takes_none if {
	payroll.allow == {"payroll"} with input as _at(true)
	count(payroll.elevate) == 0 with input as _at(true)
}
