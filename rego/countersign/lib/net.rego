# METADATA
# title: Network
# description: |
#   Rules about the address a request came from, as the enforcer and the trusted hops give it. A call that comes without one (over
#   AuthZEN) lies in no network, so ask for the networks that are trusted (`not from_any(…)`), never for those that are not.
# schemas:
#   - input: schema.input
# scope: package
package countersign.lib.net

# METADATA
# title: The source address lies in one of these networks
# description: |
#   A set or list in CIDR notation. One that is no network (`10.0.0.0/33`) is an error, and the call is denied. All of them are read
#   at each call: under the default budget a list of 2,000 is fine, and one of more than about 12,800, or of more than 1 MiB of text,
#   is denied at every call (`policy_budget_exceeded`).
from_any(networks) if net.cidr_contains_matches(networks, input.context.source_address) != set()

# METADATA
# title: The source address is in one of these countries
# description: |
#   ISO 3166-1 codes in upper case. Without a country database, or for an address that it does not know, this does not hold, so ask
#   for the countries that are meant (`not in_any_country(…)`).
in_any_country(codes) if input.context.country in codes
