package stream

import (
	"fmt"
	"sync"
	"time"
)

// stall is how long one step of a role's loop may take before the role counts as stuck. Each step that asks a server
// gives up sooner, whatever the server does: a stuck role is our defect, and only a new process helps.
const stall = 2 * time.Minute

// pulse is the sign of life of a role's loop.
type pulse struct {
	mu    sync.Mutex
	at    time.Time
	doing string
}

// beat says that the loop goes round, and what it does next.
func (p *pulse) beat(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.doing = time.Now(), doing
}

// beginPulse starts a role's pulse, until the returned function is called.
func (c *Cluster) beginPulse(role string) (p *pulse, end func()) {
	p = &pulse{}
	p.beat("starting")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pulses == nil {
		c.pulses = map[*pulse]string{}
	}
	c.pulses[p] = role
	return p, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.pulses, p)
	}
}

// Stuck returns an error when a role of this process runs and has made no step for longer than any may take. That a
// server is away is no reason: then the role tries again and again.
func (c *Cluster) Stuck(role string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, of := range c.pulses {
		if of != role {
			continue
		}
		if since, doing := p.last(); time.Since(since) > c.cfg.Stall {
			return fmt.Errorf("has been stuck for %s: %s", time.Since(since).Round(time.Millisecond), doing)
		}
	}
	return nil
}

func (p *pulse) last() (at time.Time, doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at, p.doing
}
