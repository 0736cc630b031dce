# METADATA
# title: Admin API
# description: |
#   Administrators view accounts freely, and change one with a countersignature that is tied to the very call and its
#   body. From outside the trusted networks the admin API is closed to everybody; an unknown address counts as outside.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.accounts

import data.countersign.lib.http
import data.countersign.lib.net as network

_networks := {"10.0.0.0/8", "127.0.0.0/8"}

# METADATA
# title: Administrators look
allow contains "accounts_read" if {
	http.reads
	_administers
}

# METADATA
# title: One change of one account, as it was sent
elevate contains {
	"entitlement": "account-change",
	"scope": sprintf("account/%s", [account]),
	"title": "Change an account",
	"display": [
		{"label": "Account", "value": account},
		{"label": "Change", "value": json.marshal(input.parsed_body)},
	],
	"approvers_hint": "another administrator",
	"binding": "exact",
	"max_duration": "15m",
} if {
	input.action.name in {"PATCH", "PUT"}
	["admin-api", "accounts", account] = input.parsed_path
	_administers
	is_object(input.parsed_body) # what a reviewer cannot be shown is not offered for approval
}

# METADATA
# title: Nobody from elsewhere
deny contains "network_not_trusted" if {
	_is_admin_api
	not network.from_any(_networks)
}

_administers if {
	_is_admin_api
	http.in_group("administrators")
}

_is_admin_api if input.parsed_path[0] == "admin-api"
