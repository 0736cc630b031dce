# METADATA
# title: Routing
# description: |
#   Who must agree to a request, or an automatic decision with its reason. What nobody may loosen (no self-approval,
#   distinct persons, narrowing only) is not here: the approval service holds it. `fallible_calls` says that a failing
#   `to_number` opens nothing: an amount that is none counts as large.
# schemas:
#   - input: schema.route_input
# custom:
#   fallible_calls: [to_number]
# scope: package
package countersign.approval

_elevation := input.request.elevation

# METADATA
# title: The route of one request
# description: |
#   Entrypoint of the approval service. Either who must agree (`group`, `person`, `all_of`, `any_of`, `n_of`, `stages`), with
#   how long to wait, the most that is granted and who is told; or a decision with its reason.
# entrypoint: true
route := _automatic

route := object.union({"requirement": _requirement}, _handling) if not _automatic

# Nobody is asked to read what says nothing.
_automatic := {"decide": "deny", "reason": "the justification only repeats the title"} if {
	lower(trim_space(input.request.justification)) == lower(_elevation.title)
}

default _requirement := {"group": "managers"}

# Above this amount a refund also needs security.
_refund_limit := 100

# Above this one security is asked when a manager has agreed.
_refund_huge := 10000

_requirement := {"all_of": [{"group": "managers"}, {"group": "security"}]} if {
	_elevation.entitlement == "refund"
	not _small_refund
	not _huge_refund
}

_requirement := {"stages": [{"group": "managers"}, {"group": "security"}]} if _huge_refund

default _handling := {}

# Paid at once or not at all; and when nobody has decided within half an hour, whoever is on duty is told.
_handling := {
	"expires_in": "8h",
	"limits": {"max_uses": 1, "max_duration": "10m"},
	"notify": ["refunds"],
	"escalate": {"after": "30m", "notify": ["duty"]},
} if _huge_refund

_huge_refund if {
	_elevation.entitlement == "refund"
	_refund_amount > _refund_huge
}

_small_refund if _refund_amount <= _refund_limit

# The scope holds the amount: the policy made it from the body that is bound. Another spelling counts as large.
_refund_amount := to_number(found[0][1]) if {
	pattern := `^order/[A-Za-z0-9_-]+/amount/([0-9]+(?:\.[0-9]{1,2})?)$`
	found := regex.find_all_string_submatch_n(pattern, _elevation.scope, 1)
}
