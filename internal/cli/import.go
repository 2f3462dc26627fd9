package cli

import (
	"context"
	"errors"

	"regie/internal/cms"
)

// Import fills the CMS from a titles file.
func Import(ctx context.Context, std IO, store cms.Store, file string) error {
	return errors.New("TODO")
}
