# METADATA
# title: Network
# description: |
#   Rules about the address a request came from, as the enforcer and the trusted hops give it. What is no address lies in no
#   network, so ask for the networks that are trusted (`not from_any(…)`), never for those that are not.
# schemas:
#   - input: schema.input
# custom:
#   fallible_calls: [net.cidr_contains]
# scope: package
package countersign.lib.net

# METADATA
# title: The source address lies in one of these networks
from_any(networks) if {
	some network in networks
	net.cidr_contains(network, input.context.source_address)
}
