# METADATA
# title: Country
# description: |
#   Customer data may leave only for certain countries. The country comes from `context.countryDatabase` and the source
#   address. The rule tests for what is trusted, so an unknown country is denied.
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
