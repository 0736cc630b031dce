# METADATA
# title: Network
# description: Rules about the address a request came from, as the enforcer and the trusted hops give it.
# schemas:
#   - input: schema.input
# scope: package
package countersign.lib.net

# METADATA
# title: The source address lies in one of these networks
from_any(networks) if {
	some network in networks
	net.cidr_contains(network, input.context.source_address)
}
