package countersign.policies_test

import data.countersign

_call(method, path, groups) := {
	"action": {"name": method},
	"parsed_path": path,
	"parsed_body": null,
	"subject": {"type": "user", "id": "dana", "properties": {"groups": groups}},
	"context": {"time": "2026-11-24T10:00:00Z", "source_address": "10.1.2.3", "state": {"fresh": true}},
}

_at(document, moment) := object.union(document, {"context": {"time": moment}})

_from(document, address) := object.union(document, {"context": {"source_address": address}})

_body(document, body) := object.union(document, {"parsed_body": body})

_answer(document) := answer if {
	answer := countersign.decision with input as document
}

test_engineers_read_orders if {
	_answer(_call("GET", ["orders"], ["engineers"])).outcome == "allow"
	_answer(_call("GET", ["orders", "42"], ["engineers"])).reasons == {"orders_read"}
}

test_others_do_not_read_orders if {
	_answer(_call("GET", ["orders"], ["sales"])).outcome == "no_rule_matched"
}

test_deleting_an_order_is_elevated if {
	answer := _answer(_call("DELETE", ["orders", "42"], ["engineers"]))
	answer.outcome == "elevate"
	some elevation in answer.elevations
	elevation.scope == "order/42"
	elevation.binding == "scope"
}

test_deleting_all_orders_is_not_elevated if {
	_answer(_call("DELETE", ["orders"], ["engineers"])).outcome == "no_rule_matched"
	_answer(_call("DELETE", ["orders", ""], ["engineers"])).outcome == "no_rule_matched"
}

test_replacing_an_order_is_denied if {
	_answer(_call("PUT", ["orders", "42"], ["engineers", "managers"])).reasons == {"orders_are_never_replaced"}
}

test_a_refund_is_elevated_with_its_amount if {
	answer := _answer(_body(_call("POST", ["refunds"], ["engineers"]), {"order": 7, "amount": 40}))
	some elevation in answer.elevations
	elevation.scope == "order/7/amount/40"
	elevation.binding == "exact"
	elevation.display == [{"label": "Order", "value": "7"}, {"label": "Amount", "value": "40"}]
}

test_a_refund_that_cannot_be_read_is_denied if {
	_answer(_call("POST", ["refunds"], ["engineers"])).reasons == {"refund_not_readable"}
	_answer(_body(_call("POST", ["refunds"], ["engineers"]), {"order": 7, "amount": "40"})).outcome == "deny"
}

test_a_refund_written_with_an_exponent_is_denied if {
	document := json.unmarshal(`{"order": 7, "amount": 1e5}`)
	_answer(_body(_call("POST", ["refunds"], ["engineers"]), document)).reasons == {"refund_not_readable"}
}

test_refunds_are_not_read_by_others if {
	_answer(_call("GET", ["refunds"], ["sales"])).outcome == "no_rule_matched"
}

test_one_refund_is_not_what_the_window_is_for if {
	_answer(_call("GET", ["refunds", "7"], ["engineers"])).outcome == "no_rule_matched"
}

test_refunds_are_read_in_a_window if {
	answer := _answer(_call("GET", ["refunds"], ["engineers"]))
	answer.outcome == "elevate"
	{elevation.max_uses | some elevation in answer.elevations} == {"unlimited"}
}

test_a_negative_refund_is_not_elevated if {
	_answer(_body(_call("POST", ["refunds"], ["engineers"]), {"order": 7, "amount": -1})).reasons == {"refund_not_readable"}
}

test_reports_are_read_in_office_hours if {
	_answer(_call("GET", ["reports"], ["engineers"])).outcome == "allow"
}

test_reports_are_not_read_at_night_or_on_sunday if {
	document := _call("GET", ["reports"], ["engineers"])
	_answer(_at(document, "2026-11-24T03:00:00Z")).reasons == {"outside_office_hours"}
	_answer(_at(document, "2026-11-22T10:00:00Z")).reasons == {"outside_office_hours"}
}

test_managers_administer_from_trusted_networks if {
	_answer(_call("GET", ["admin", "x"], ["managers"])).outcome == "allow"
	_answer(_call("GET", ["admin", "x"], ["engineers"])).outcome == "no_rule_matched"
}

test_nobody_administers_from_elsewhere if {
	document := _from(_call("GET", ["admin", "x"], ["managers"]), "8.8.8.8")
	_answer(document).reasons == {"source_address_not_trusted"}
}

_connection(name, groups) := {
	"action": {"name": "connect"},
	"parsed_path": [""],
	"parsed_body": null,
	"subject": {"type": "user", "id": "spiffe://example.org/people/dana", "properties": {"groups": groups}},
	"resource": {"type": "tcp_connection", "id": name, "properties": {}},
	"context": {"time": "2026-11-24T10:00:00Z", "source_address": "10.1.2.3", "state": {"fresh": true}},
}

test_a_connection_to_a_database_is_elevated if {
	answer := _answer(_connection("orders-db.example", ["engineers"]))
	answer.outcome == "elevate"
	some elevation in answer.elevations
	elevation.scope == "database/orders"
	elevation.binding == "scope"
}

test_others_do_not_connect if {
	_answer(_connection("orders-db.example", ["sales"])).outcome == "no_rule_matched"
}

test_what_is_not_listed_is_not_connected if {
	_answer(_connection("127.0.0.1", ["engineers"])).reasons == {"database_not_listed"}
}
