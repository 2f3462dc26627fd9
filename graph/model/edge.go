package model

import projectionv1 "regie/proto/projection/v1"

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

// CreditEdge is a credit's place in a programme's or a person's.
type CreditEdge struct {
	Cursor string
	// Credit is known in a programme's.
	Credit *Credit
	// In a person's, the programme knows it: by its CMS id and the credit's index.
	ProgrammeID, PersonID string
	Index                 int
}

// SectionEdge is a rail's place in its page.
type SectionEdge struct {
	Cursor string
	Node   *projectionv1.Section
}

// CardEdge is a card's place in its rail: the card, or why it is not known.
type CardEdge struct {
	Cursor string
	Card   *projectionv1.Card
	Err    error
}
