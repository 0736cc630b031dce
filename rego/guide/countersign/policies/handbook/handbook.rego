# METADATA
# title: Baseline by group
# description: |
#   Everybody on the staff reads the handbook, and its editors change it. What no rule names is denied by default, so
#   there is no rule for strangers.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.handbook

import data.countersign.lib.http

# METADATA
# title: Staff read the handbook
allow contains "handbook_read" if {
	http.reads
	_is_handbook
	http.in_group("staff")
}

# METADATA
# title: Editors change it
allow contains "handbook_edit" if {
	input.action.name in {"POST", "PUT"}
	_is_handbook
	http.in_group("handbook-editors")
}

_is_handbook if input.parsed_path[0] == "handbook"
