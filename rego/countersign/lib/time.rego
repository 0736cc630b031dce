# METADATA
# title: Time
# description: Rules about the moment of the request, `input.context.time` (RFC 3339). Without it nothing here holds.
# schemas:
#   - input: schema.input
# scope: package
package countersign.lib.time

# METADATA
# title: Monday to Friday, from eight to six, UTC
office_hours if office_hours_in("UTC")

# METADATA
# title: Monday to Friday, from eight to six, in a zone
office_hours_in(zone) if {
	moment := time.parse_rfc3339_ns(input.context.time)
	not time.weekday([moment, zone]) in {"Saturday", "Sunday"}
	[hour, _, _] := time.clock([moment, zone])
	hour >= 8
	hour < 18
}

# METADATA
# title: The office is open, where it is
# description: By `context.timeZone` and `context.officeHours` of the decision service.
office_is_open if input.context.local.office_hours == true
