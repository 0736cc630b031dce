# METADATA
# title: Deletes
# description: |
#   Support deletes one customer at a time, each with a countersignature for that customer: the scope names the customer,
#   so an approval for one opens no other. Deleting all at once is offered to nobody.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.customers

import data.countersign.lib.http

# METADATA
# title: Deleting one customer
elevate contains {
	"entitlement": "customer-delete",
	"scope": sprintf("customer/%s", [customer]),
	"title": "Delete a customer",
	"display": [{"label": "Customer", "value": customer}],
	"approvers_hint": "data protection",
	"binding": "scope",
	"max_duration": "1h",
	"justification": {"required": true, "min_length": 20},
} if {
	input.action.name == "DELETE"
	["customers", customer] = input.parsed_path
	customer != ""
	http.in_group("support")
}

# METADATA
# title: Never all of them
deny contains "not_all_customers" if {
	input.action.name == "DELETE"
	input.parsed_path in [["customers"], ["customers", ""]]
}
