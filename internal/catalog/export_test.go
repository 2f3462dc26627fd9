package catalog

import "strconv"

// Unpack reads where an entity is, as Redis has it.
func Unpack(where string) []Placement { return unpack(strconv.Itoa(len(where)) + ":" + where) }

// Pack writes it.
func Pack(ps []Placement) string { return pack(ps) }

// Home is where an entity's blobs lie.
func Home(kind, id string) Family { return home(kind, id) }
