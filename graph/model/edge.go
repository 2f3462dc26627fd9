package model

// ProgrammeEdge is a programme's place in a list.
type ProgrammeEdge struct {
	Cursor string
	// ID is the CMS's.
	ID string
}

// VideoEdge is a video's place in a list.
type VideoEdge struct {
	Cursor string
	// ID is the CMS's.
	ID string
}
