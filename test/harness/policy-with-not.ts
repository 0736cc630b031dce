/** Helpers with `not` before what may be absent, and behind it, for tests of the build check. Conditions are asked of it: `not _blocked`. */
export const POLICY = `package countersign.policies.wiki

import data.acme.lib
import data.acme.lib.all.context as whole
import input.context as c

_blocked if input.context.country in {"KP"}

_trusted if input.context.country in {"AT"}

_country_known if input.context.country

default _with_default := false

_with_default if c.country == "KP"

default _closed_by_default := true

_closed_by_default := false if c.country == "AT"

_is_blocked(_) if c.country == "KP"

_is_blocked_country(country) if country == "KP"

_frozen := {i.scope | some i in input.context.incidents}

_frozen_set contains i.scope if some i in input.context.incidents

_is_blocked_in(ctx) if ctx.country in {"KP"}

_is_blocked_in_all(all) if {
	ctx := all.context
	ctx.country in {"KP"}
}

_is_rooted(device) if device.rooted == true

_hands_on(_, all) if _is_blocked_in(all.context)

_frozen_in(ctx) := {i.scope | some i in ctx.incidents}

_is_trusted_in(ctx) if not _is_blocked_in(ctx)

_is_local_in(ctx) if ctx.local.office_hours

_is_known_in(ctx) if ctx.country

_is_blocked_known_in(ctx) if {
	ctx.country
	_is_blocked_in(ctx)
}

_is_trusted_known_in(ctx) if {
	ctx.country
	not _is_blocked_in(ctx)
}

_ctx := input.context

_blocked_by_ctx if _ctx.country in {"KP"}

_doors_frozen if input.context.incidents[_].scope == "doors"

_trusted_by_not if not _blocked

_is_trusted_by_not(_) if not _blocked

_untrusted_by_not if not _trusted_by_not

_not_trusted_by_not if not _blocked

_closes if not c.country == "AT"

_one_of_two if c.country == "KP"

_one_of_two if "banned" in input.subject.properties.groups

_admin if "admins" in input.subject.properties.groups

_printing_admin if {
	print(input.context.country)
	"admins" in input.subject.properties.groups
}
`;

/** Imported by it. */
export const LIBRARY = `package acme.lib

says_rooted if input.context.device.rooted == true

unsaid if not says_rooted

blocks(_) if input.context.country == "KP"

all := input

blocks_in(ctx) if ctx.country == "KP"
`;

/** A library whose rules and functions look up what may be absent, or do not. */
export const LOOKING_UP = `package acme.lib

context := input.context

country := input.context.country

method := input.action.name

default settled := "none"

settled := input.context.country

is_at if input.context.country == "AT"

country_of(_) := country

is_country(_) if country == "AT"

is_foreign_in(ctx) if not ctx.country in {"AT"}

method_of(_) := input.action.name

either := input.context.country if input.action.name == "GET"

either := "none" if input.action.name != "GET"
`;
