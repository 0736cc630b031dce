package countersign

import data.countersign.lib.fixture

# METADATA
# description: What the fixture knows, for searches.
candidates := {
	"subjects": [{"type": one.type, "id": one.id, "properties": one.stored} |
		some one in fixture.subjects
	],
	"resources": [{"type": one.type, "id": one.id, "properties": one.stored} |
		some one in fixture.resources
	],
	"actions": [{"name": one.name} |
		some one in fixture.actions
	],
}
