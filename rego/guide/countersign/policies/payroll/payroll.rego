# METADATA
# title: Office hours
# description: |
#   Payroll is open to accountants during office hours, as `context.timeZone` and `context.officeHours` of the decision
#   service define them. At any other time it needs a countersignature: the rule says `not`, so it also holds if the time
#   is unknown.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.payroll

import data.countersign.lib.http
import data.countersign.lib.time as clock

# METADATA
# title: Accountants, while the office is open
allow contains "payroll" if {
	_accountant_asks
	clock.office_is_open
}

# METADATA
# title: At any other time, for an hour at most
elevate contains {
	"entitlement": "payroll-after-hours",
	"scope": "payroll",
	"title": "Payroll after office hours",
	"approvers_hint": "head of finance",
	"binding": "scope",
	"max_uses": "unlimited",
	"max_duration": "1h",
} if {
	_accountant_asks
	not clock.office_is_open
}

_accountant_asks if {
	input.parsed_path[0] == "payroll"
	http.in_group("accountants")
}
