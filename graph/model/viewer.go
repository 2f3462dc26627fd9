package model

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	userv1 "regie/proto/user/v1"
)

// Viewer is whoever is signed in; the request knows who that is.
type Viewer struct {
	// ID says nothing of the user's.
	ID string
}

// ViewerState is GraphQL's ViewerState: a *ProgrammeViewerState or a *VideoViewerState.
type ViewerState any

// ProgrammeViewerState is what a viewer did with a programme, by its global id.
type ProgrammeViewerState struct {
	ID          string
	IsFavourite bool
	// Last is what was watched last of it; nil when nothing was.
	Last *userv1.ProgressState
}

// LastWatchedAt is nil when nothing was.
func (s *ProgrammeViewerState) LastWatchedAt() *timestamppb.Timestamp { return s.Last.GetUpdatedAt() }

// VideoViewerState is what a viewer did with a video, by its global id.
type VideoViewerState struct {
	ID          string
	IsFavourite bool
	Progress    *userv1.ProgressState
}

// FavouriteTarget is GraphQL's FavouriteTarget: a programme or a video.
type FavouriteTarget any

// FavouriteEdge is a favourite's place in a list.
type FavouriteEdge struct {
	Cursor    string
	Favourite *userv1.FavouriteState
}

// ProgressEdge is a place in what to continue with: where the viewer is there, or why that is not known.
type ProgressEdge struct {
	Cursor   string
	Progress *userv1.ProgressState
	Err      error
}
