# METADATA
# title: Device
# description: |
#   Source code is read from devices that are managed. What is said of a device comes from claims or from headers
#   that a proxy of yours replaces (`context.device`): a caller can write any other header. What is not said does
#   not hold.
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
