package countersign.guide.handbook_test

import data.countersign.policies.handbook

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"subject": {"properties": {"groups": groups, "actors": []}},
	"context": {"state": {"fresh": true}},
}

test_strangers_read_nothing if {
	count(handbook.allow) == 0 with input as _call("GET", ["handbook"], [])
}

test_staff_do_not_edit if {
	count(handbook.allow) == 0 with input as _call("PUT", ["handbook", "1"], ["staff"])
}

test_staff_read_and_editors_edit if {
	handbook.allow == {"handbook_read"} with input as _call("GET", ["handbook"], ["staff"])
	handbook.allow == {"handbook_edit"} with input as _call("PUT", ["handbook", "1"], ["handbook-editors"])
}

test_what_is_no_handbook_is_left_to_others if {
	count(handbook.allow) == 0 with input as _call("GET", ["other"], ["staff"])
}
