package countersign

# METADATA
# description: What the fixture knows, for searches.
candidates := {
	"subjects": [{"type": one.type, "id": one.id, "properties": one.stored} |
		some one in data.fixture.subjects
	],
	"resources": [{"type": one.type, "id": one.id, "properties": one.stored} |
		some one in data.fixture.resources
	],
	"actions": [{"name": one.name} |
		some one in data.fixture.actions
	],
}
