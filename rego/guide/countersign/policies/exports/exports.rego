# METADATA
# title: Country
# description: |
#   Customer data leaves only for countries where it may be. The country comes from `context.countryDatabase` by
#   the source address; the rule asks for what is trusted, so an unknown country is not one of them.
# schemas:
#   - input: schema.input
# scope: package
package countersign.policies.exports

import data.countersign.lib.http

_countries := {"AT", "DE", "FR"}

# METADATA
# title: Analysts export
allow contains "export" if {
	_is_export
	http.in_group("analysts")
}

# METADATA
# title: To these countries and no others
deny contains "country_not_trusted" if {
	_is_export
	not _country_trusted
}

# A rule of its own: `not input.context.country in …` would not hold for a country that is unknown.
_country_trusted if input.context.country in _countries

_is_export if input.parsed_path[0] == "exports"
