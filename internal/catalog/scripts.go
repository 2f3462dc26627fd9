package catalog

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

// The scripts' comments are their contracts.
var (
	//go:embed begin.lua
	beginLua string
	//go:embed place.lua
	placeLua string
	//go:embed finish.lua
	finishLua string
	//go:embed position.lua
	positionLua string

	beginScript    = redis.NewScript(beginLua)
	placeScript    = redis.NewScript(placeLua)
	finishScript   = redis.NewScript(finishLua)
	positionScript = redis.NewScript(positionLua)
)
