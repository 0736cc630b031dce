# METADATA
# title: Orders
# description: Engineers read orders. Deleting one needs a countersignature; replacing one is never allowed.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.orders

import data.countersign.lib.http

# METADATA
# title: Engineers read orders
allow contains "orders_read" if {
	http.reads
	input.parsed_path[0] == "orders"
	http.in_group("engineers")
}

# METADATA
# title: Deleting one order, for an hour at most
elevate contains {
	"entitlement": "orders-delete",
	"scope": sprintf("order/%s", [order]),
	"title": "Delete an order",
	"display": [{"label": "Order", "value": order}],
	"approvers_hint": "managers",
	"risk": "high",
	"binding": "scope",
	"max_uses": 5,
	"max_duration": "1h",
	"justification": {"required": true, "min_length": 10},
} if {
	input.action.name == "DELETE"
	["orders", order] = input.parsed_path
	order != ""
	http.in_group("engineers")
}

# METADATA
# title: Orders are corrected by new ones
deny contains "orders_are_never_replaced" if {
	input.action.name in {"PUT", "PATCH"}
	input.parsed_path[0] == "orders"
}
