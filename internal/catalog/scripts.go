package catalog

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// The scripts' comments are their contracts.
var (
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

	entityScript   = redis.NewScript(entityLua)
	placeScript    = redis.NewScript(placeLua)
	finishScript   = redis.NewScript(finishLua)
	positionScript = redis.NewScript(positionLua)
	groupsScript   = redis.NewScript(groupsLua)
)
