# METADATA
# title: Device
# description: |
#   Source code is read only from managed devices. Facts about the device come from claims, or from headers that a proxy
#   of yours overwrites (`context.device`): a caller can write any other header. A fact that is not stated does not hold.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.repositories

import data.countersign.lib.device
import data.countersign.lib.http

# METADATA
# title: Developers read source code
allow contains "source_read" if {
	http.reads
	_is_repository
	http.in_group("developers")
}

# METADATA
# title: From managed devices only
deny contains "device_not_managed" if {
	_is_repository
	not device.says("managed", "true")
}

_is_repository if input.parsed_path[0] == "repositories"
