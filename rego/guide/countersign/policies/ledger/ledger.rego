# METADATA
# title: Database connection
# description: |
#   A connection is judged once, when it begins (docs/tcp.md). The client certificate says who connects, and the name that
#   the enforcer routes by says which database. The elevation opens a window rather than a number of uses, because a pool
#   opens connections as it likes.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.ledger

import data.countersign.lib.http
import data.countersign.lib.net as network

# METADATA
# title: Connecting to the ledger, for an hour at most
elevate contains {
	"entitlement": "ledger-connect",
	"scope": "database/ledger",
	"title": "Connect to the ledger",
	"display": [{"label": "Database", "value": "ledger"}],
	"approvers_hint": "head of finance",
	"binding": "scope",
	"max_uses": "unlimited",
	"max_duration": "1h",
} if {
	_connects
	http.in_group("accountants")
}

# METADATA
# title: Jobs read it at any time, from their own network
allow contains "ledger_job" if {
	_connects
	http.in_group("ledger-jobs")
	network.from_any({"10.20.0.0/16"})
}

_connects if {
	input.resource.type == "tcp_connection"
	input.resource.id == "ledger-db.example"
}
