# METADATA
# title: HTTP
# description: Short names for what most HTTP policies ask.
# schemas:
#   - input: schema.input
# scope: package
package countersign.lib.http

# METADATA
# title: Reading methods
# description: Methods that must not change anything.
reads if input.action.name in {"GET", "HEAD"}

# METADATA
# title: The subject is in a group
in_group(group) if group in input.subject.properties.groups
