package graph

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"regie/internal/catalog"
)

// hearing is how long a client may take to be told something.
const hearing = 10 * time.Second

// Edits serves /freshness: Server-Sent Events of the last edit that became visible and of each that follows. The streams
// end with stop.
func Edits(stop context.Context, c *catalog.Catalog) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(stop, cancel)()
		h := w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		out := http.NewResponseController(w)
		send := func(text string) error {
			// The server's write timeout is for answers that end.
			if err := out.SetWriteDeadline(time.Now().Add(hearing)); err != nil {
				return err
			}
			if _, err := fmt.Fprint(w, text); err != nil {
				return err
			}
			return out.Flush()
		}
		if send(": connected\n\n") != nil {
			return
		}
		// A failure closes the stream; the page comes back by itself.
		_ = c.Edits(ctx, func(edit []byte) error {
			return send(fmt.Sprintf("event: edit\ndata: %s\n\n", edit))
		})
		_ = out.SetWriteDeadline(time.Now().Add(hearing)) // its end is written, too
	})
}
