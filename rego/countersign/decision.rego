# METADATA
# title: Decision
# description: |
#   Joins what the packages under `countersign.policies` say into one answer: any deny, else any elevate, else any allow,
#   else no rule matched. `elevate` outranks `allow`, so adding a package never removes a countersignature.
# scope: package
package countersign

# METADATA
# title: The decision of one request
# description: Entrypoint of the decision service. The host translates it and refuses what is not of this shape.
# entrypoint: true
decision := {
	"outcome": _outcome,
	"reasons": _reasons,
	"elevations": _elevations,
	"responses": _responses,
	"context_missing": _context_missing,
	"malformed": _malformed,
}

# What packages say. Between the two marks the build writes the same for the packages that there are, one by one
# (scripts/bundle/composition.ts): to go through all of them costs a sixth of an evaluation.
# composition begins
# The names of the sets stand here as constants: a variable in their place compiles to an invalid module.
_denials contains reason if some reason in data.countersign.policies[_].deny

_allowances contains reason if some reason in data.countersign.policies[_].allow

_elevations contains elevation if some elevation in data.countersign.policies[_].elevate

_responses contains data.countersign.policies[_].response

# A rule that is no set would be passed over in silence by the loops above; the build refuses it too. Each is looked up once: that is most of what this costs.
_malformed contains concat(".", [name, "deny"]) if {
	some name
	rule := data.countersign.policies[name].deny
	not is_set(rule)
}

_malformed contains concat(".", [name, "elevate"]) if {
	some name
	rule := data.countersign.policies[name].elevate
	not is_set(rule)
}

_malformed contains concat(".", [name, "allow"]) if {
	some name
	rule := data.countersign.policies[name].allow
	not is_set(rule)
}

# composition ends

default _outcome := "no_rule_matched"

_outcome := "deny" if {
	count(_denials) > 0
} else := "elevate" if {
	count(_elevations) > 0
} else := "allow" if {
	count(_allowances) > 0
}

default _reasons := set()

_reasons := _denials if _outcome == "deny"

_reasons := _allowances if _outcome == "allow"

# The build collects `custom.requires` of all packages into this document. What is not made at the moment of the call comes from
# the state topic, and is missing when that is not fresh.
_context_missing contains name if {
	some names in data.countersign.requires
	some name in names
	not _context_available(name)
}

_context_available(name) if {
	name in _of_the_moment
	_ = input.context[name]
}

_context_available(name) if {
	input.context.state.fresh == true
	_ = input.context[name]
}

_of_the_moment := {"time", "local", "source_address", "country", "country_database", "device"}
