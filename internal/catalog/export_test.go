package catalog

import "strconv"

// Unpack reads where an entity is, as Redis has it.
func Unpack(where string) ([]Placement, error) {
	return unpack(strconv.Itoa(len(where)) + ":" + where)
}

// Home is where an entity's blobs lie.
func Home(kind, id string) Family { return home(kind, id) }
