# METADATA
# title: Databases
# description: |
#   Nobody connects to a database without a countersignature. Who connects is who the client certificate says; which
#   database it is says the name that the enforcer routes by (docs/tcp.md).
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.databases

import data.countersign.lib.http

_databases := {"orders-db.example": "orders"}

# METADATA
# title: Connecting to a database, as often as it takes, for an hour at most
elevate contains {
	"entitlement": "database-connect",
	"scope": sprintf("database/%s", [database]),
	"title": "Connect to a database",
	"display": [{"label": "Database", "value": database}],
	"approvers_hint": "managers",
	"risk": "high",
	"binding": "scope",
	"max_uses": "unlimited",
	"max_duration": "1h",
	"justification": {"required": true, "min_length": 10},
} if {
	_connects
	database := _databases[input.resource.id]
	http.in_group("engineers")
}

# METADATA
# title: No connection to what is not listed
deny contains "database_not_listed" if {
	_connects
	not _databases[input.resource.id]
}

_connects if input.resource.type == "tcp_connection"
