# METADATA
# title: Refunds
# description: |
#   Every refund needs a countersignature, tied to the exact call with its body. What was refunded to whom is read by
#   engineers in a window that somebody opened for them.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.refunds

import data.countersign.lib.http

# METADATA
# title: One refund of one amount
elevate contains {
	"entitlement": "refund",
	"scope": sprintf("order/%s/amount/%s", [order, amount]),
	"title": "Refund an order",
	"display": [
		{"label": "Order", "value": order},
		{"label": "Amount", "value": amount},
	],
	"approvers_hint": "managers; above 100 also security",
	"binding": "exact",
	"max_duration": "30m",
} if {
	_posts_refund
	_readable
	order := sprintf("%v", [input.parsed_body.order])
	amount := json.marshal(input.parsed_body.amount)
	http.in_group("engineers")
}

# METADATA
# title: Reading refunds, as often as it takes, for half an hour at most
elevate contains {
	"entitlement": "refunds-read",
	"scope": "refunds",
	"title": "Read refunds",
	"approvers_hint": "managers",
	"risk": "medium",
	"binding": "scope",
	"max_uses": "unlimited",
	"max_duration": "30m",
} if {
	http.reads
	input.parsed_path == ["refunds"]
	http.in_group("engineers")
}

# METADATA
# title: A refund without a readable amount
deny contains "refund_not_readable" if {
	_posts_refund
	not _readable
}

# Plain digits only: `1e5` would read as a small amount to a person, and to the routing rule.
_readable if {
	is_number(input.parsed_body.amount)
	regex.match(`^[0-9]+(\.[0-9]{1,2})?$`, json.marshal(input.parsed_body.amount))
	_order_readable
}

_order_readable if is_number(input.parsed_body.order)

_order_readable if {
	is_string(input.parsed_body.order)
	regex.match(`^[A-Za-z0-9_-]{1,64}$`, input.parsed_body.order)
}

_posts_refund if {
	input.action.name == "POST"
	input.parsed_path == ["refunds"]
}
