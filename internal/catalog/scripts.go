package catalog

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// The scripts' comments are their contracts.
var (
	//go:embed fences.lua
	fencesLua string
	//go:embed entity.lua
	entityLua string
	//go:embed place.lua
	placeLua string
	//go:embed finish.lua
	finishLua string
	//go:embed position.lua
	positionLua string
	//go:embed groups.lua
	groupsLua string

	entityScript   = redis.NewScript(fencesLua + entityLua)
	placeScript    = redis.NewScript(fencesLua + placeLua)
	finishScript   = redis.NewScript(fencesLua + finishLua)
	positionScript = redis.NewScript(positionLua)
	groupsScript   = redis.NewScript(groupsLua)
)
