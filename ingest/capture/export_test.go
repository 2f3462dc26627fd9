package capture

import (
	"fmt"
	"strings"
	"time"
)

// SaveEvery sets how often a quiet collection's token is saved.
func (c *Capture) SaveEvery(d time.Duration) { c.saveEvery = d }

// Progress is what a snapshot says of itself when it has taken so long for so many documents.
func Progress(all, total, documents int, took time.Duration) string {
	var b strings.Builder
	for _, a := range (progress{documents: all, total: total}).attrs(documents, took) {
		fmt.Fprintf(&b, "%s ", a)
	}
	return strings.TrimSpace(b.String())
}
