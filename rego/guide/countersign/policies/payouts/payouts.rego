# METADATA
# title: Money limit from the body
# description: |
#   Finance pays up to 500 on its own. A larger payout needs a countersignature for the very call and its body; above
#   50,000 it is denied. An amount must be plain digits: a person would read `1e5` as a small number. What cannot be read
#   is denied before it is compared.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.payouts

import data.countersign.lib.http

# METADATA
# title: Small payouts
allow contains "small_payout" if {
	_finance_pays
	input.parsed_body.amount <= 500
}

# METADATA
# title: Larger ones, one at a time
elevate contains {
	"entitlement": "payout",
	"scope": sprintf("payout/%s", [amount]),
	"title": "Pay out",
	"display": [
		{"label": "Amount", "value": amount},
		{"label": "To", "value": input.parsed_body.to},
	],
	"approvers_hint": "head of finance",
	"binding": "exact",
	"max_duration": "30m",
} if {
	_finance_pays
	input.parsed_body.amount > 500
	amount := json.marshal(input.parsed_body.amount)
}

# METADATA
# title: Beyond what anybody may approve here
deny contains "above_the_limit" if {
	_pays
	input.parsed_body.amount > 50000
}

# METADATA
# title: An amount that cannot be read is none
deny contains "payout_not_readable" if {
	_pays
	not _readable
}

_finance_pays if {
	_pays
	_readable
	http.in_group("finance")
}

_readable if {
	is_number(input.parsed_body.amount)
	is_string(input.parsed_body.to)
	regex.match(`^[0-9]+(\.[0-9]{1,2})?$`, json.marshal(input.parsed_body.amount))
}

_pays if {
	input.action.name == "POST"
	input.parsed_path == ["payouts"]
}
