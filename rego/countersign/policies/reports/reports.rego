# METADATA
# title: Reports
# description: Reports are read in office hours only. They have a route of their own, so that nothing else depends on the clock.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.reports

import data.countersign.lib.http
import data.countersign.lib.time as clock

# METADATA
# title: Engineers read reports
allow contains "reports_read" if {
	http.reads
	_is_report
	http.in_group("engineers")
}

# METADATA
# title: Nobody reads reports at night
deny contains "outside_office_hours" if {
	_is_report
	not clock.office_hours
}

_is_report if input.parsed_path[0] == "reports"
