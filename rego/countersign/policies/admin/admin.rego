# METADATA
# title: Administration
# description: Managers reach the administration from networks of their own.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.admin

import data.countersign.lib.http
import data.countersign.lib.net as network

_networks := {"127.0.0.0/8", "10.0.0.0/8", "::1/128"}

# METADATA
# title: Managers administer
allow contains "admin" if {
	_is_admin
	http.in_group("managers")
}

# METADATA
# title: Nobody administers from elsewhere
deny contains "source_address_not_trusted" if {
	_is_admin
	not network.from_any(_networks)
}

_is_admin if input.parsed_path[0] == "admin"
