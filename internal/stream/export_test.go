package stream

// ParseSource is the parser of HeaderSource.
var ParseSource = parseSource

// FenceIn is the record's fence in an incarnation.
func FenceIn(r Record, incarnation int64) Fence { return r.fence(incarnation) }

// TellEvery is how often a consumer that is not ready tells how far it is.
const TellEvery = tellEvery
