# METADATA
# title: Routing
# description: |
#   Who must agree to a request, or an automatic decision with its reason. What nobody may loosen (no self-approval,
#   distinct persons, narrowing only) is not here: the approval service holds it.
# scope: package
package countersign.approval

_elevation := input.request.elevation

# METADATA
# title: The route of one request
# description: Entrypoint of the approval service. Either a tree of reviewer sets, or a decision with its reason.
# entrypoint: true
route := _automatic

route := {"requirement": _requirement} if not _automatic

# Nobody is asked to read what says nothing.
_automatic := {"decide": "deny", "reason": "the justification only repeats the title"} if {
	lower(trim_space(input.request.justification)) == lower(_elevation.title)
}

default _requirement := {"group": "managers"}

# Above this amount a refund also needs security.
_refund_limit := 100

_requirement := {"all_of": [{"group": "managers"}, {"group": "security"}]} if {
	_elevation.entitlement == "refund"
	not _small_refund
}

_small_refund if _refund_amount <= _refund_limit

# The scope holds the amount: the policy made it from the body that is bound. Another spelling counts as large.
_refund_amount := to_number(found[0][1]) if {
	pattern := `^order/[A-Za-z0-9_-]+/amount/([0-9]+(?:\.[0-9]{1,2})?)$`
	found := regex.find_all_string_submatch_n(pattern, _elevation.scope, 1)
}
