package stream

import (
	"fmt"
	"sync"
	"time"
)

// catchUp is how far a consumer is with what its logs held when it was given them: written by its goroutine, read by
// whoever asks whether it is ready.
type catchUp struct {
	mu    sync.Mutex
	parts map[string]*stretch
	// why is the first reason to read again; "" when everything began where it stood.
	why         string
	began, told time.Time
}

// stretch is what is to be read of a partition.
type stretch struct{ from, next, to int64 }

// tellEvery is how often a consumer that is not ready tells how far it is.
const tellEvery = 5 * time.Second

func (c *catchUp) begin(name string, from, to int64, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.parts) == 0 {
		c.parts, c.why = map[string]*stretch{}, ""
		c.began = time.Now()
		c.told = c.began
	}
	c.parts[name] = &stretch{from: from, next: from, to: max(from, to)}
	if c.why == "" && to > from {
		c.why = why
	}
}

func (c *catchUp) applied(name string, next int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.parts[name]; s != nil {
		s.next = max(s.next, min(next, s.to))
	}
}

// reached notes that the log's end was met: what is left of the stretch are no records.
func (c *catchUp) reached(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.parts[name]; s != nil {
		s.next = s.to
	}
}

func (c *catchUp) drop(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.parts, name)
}

// end forgets all, and tells what was done.
func (c *catchUp) end() (records int64, took time.Duration, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.parts {
		records += s.to - s.from
	}
	c.parts = nil
	return records, time.Since(c.began), c.why
}

// due tells whether it is time to say how far it is.
func (c *catchUp) due() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.parts) == 0 || time.Since(c.told) < tellEvery {
		return false
	}
	c.told = time.Now()
	return true
}

// progress is how far a catch-up is.
type progress struct {
	done, total int64
	left        time.Duration // 0 when it is not known yet
	why         string
}

func (c *catchUp) progress() progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := progress{why: c.why}
	for _, s := range c.parts {
		p.done += s.next - s.from
		p.total += s.to - s.from
	}
	if passed := time.Since(c.began); p.done > 0 && passed > time.Second {
		p.left = time.Duration(float64(passed) * float64(p.total-p.done) / float64(p.done)).Round(time.Second)
	}
	return p
}

func (p progress) percent() int64 { return 100 * p.done / max(p.total, 1) }

// String is what readiness says.
func (p progress) String() string {
	text := "is catching up with its topics"
	if p.total > 0 {
		text += fmt.Sprintf(": %d of %d records, %d %%", p.done, p.total, p.percent())
	}
	if p.left > 0 {
		text += ", about " + p.left.String() + " to go"
	}
	if p.why != "" {
		text += " (" + p.why + ")"
	}
	return text
}
