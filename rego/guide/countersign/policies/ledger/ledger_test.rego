package countersign.guide.ledger_test

import data.countersign.policies.ledger

_connection(groups, address) := {
	"action": {"name": "connect"},
	"resource": {"type": "tcp_connection", "id": "ledger-db.example"},
	"subject": {"properties": {"groups": groups}},
	"context": {"source_address": address},
}

test_a_job_from_elsewhere_is_not_allowed if {
	count(ledger.allow) == 0 with input as _connection(["ledger-jobs"], "10.1.2.3")
}

test_others_are_offered_nothing if {
	count(ledger.elevate) == 0 with input as _connection(["developers"], "10.20.0.1")
}

test_an_accountant_needs_a_countersignature if {
	count(ledger.allow) == 0 with input as _connection(["accountants"], "10.20.0.1")
	some elevation in ledger.elevate with input as _connection(["accountants"], "10.20.0.1")
	elevation.scope == "database/ledger"
}

test_a_job_is_allowed if {
	ledger.allow == {"ledger_job"} with input as _connection(["ledger-jobs"], "10.20.0.1")
}
