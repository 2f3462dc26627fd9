package stream

// ParseSource is the parser of HeaderSource.
var ParseSource = parseSource

// FenceIn is the record's fence in an incarnation.
func FenceIn(r Record, incarnation int64) Fence { return r.fence(incarnation) }
