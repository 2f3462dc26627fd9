package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Victims are what is killed: an instance of a role, or a server.
const (
	broker       = "broker"
	mongoPrimary = "MongoDB's primary"
	// Redis's primary, which starts again without its data, or is replaced by its replica.
	redisEmptied  = "Redis, emptied"
	redisPromoted = "Redis, replica promoted"
)

var (
	roles     = []string{"capture", "transform", "recommend", "project", "schedule", "gateway"}
	instances = []string{"one", "two"}
)

// kill is one kill -9.
type kill struct {
	at     time.Duration // after the beginning
	victim string        // a role, or a kind of server
	which  int           // of the role's instances, or of the brokers
	// pause is how long the victim stays away.
	pause time.Duration
	// long: longer than a group waits for a member, so that the other instance takes over.
	long bool
}

func (k kill) String() string {
	name := k.victim
	switch {
	case slices.Contains(roles, k.victim):
		name += " " + instances[k.which]
	case k.victim == broker:
		name += fmt.Sprint(" ", k.which+1)
	}
	return fmt.Sprintf("%s, away %.1f s", name, k.pause.Seconds())
}

// label is the kill's line in the report.
func (k kill) label() string {
	if k.long {
		return k.victim + ", away longer than its session"
	}
	return k.victim
}

// plan is what a campaign does, all of it by its seed: what of these happens when, and which edits are made in which order.
type plan struct {
	seed     uint64
	duration time.Duration
	// roles' instances are killed at any time; servers one at a time, for two of them are more than it must survive.
	roles, servers []kill
}

// Kinds of randomness, each its own stream of the seed's.
const (
	randomKills = iota
	randomEdits
)

func random(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// longest pauses. A member of a group is waited for 15 s.
const (
	maxPause = 3 * time.Second
	session  = 15 * time.Second
)

func newPlan(seed uint64, duration time.Duration, kills int) plan {
	p := plan{seed: seed, duration: duration}
	r := random(seed, randomKills)
	between := func(from, to time.Duration) time.Duration { return from + time.Duration(r.Int64N(int64(to-from))) }
	// evenly spreads n kills, each somewhere in its part of the time, and leaves the last part for what they caused.
	evenly := func(n int) []time.Duration {
		ats := make([]time.Duration, n)
		part := duration / time.Duration(n+1)
		for i := range ats {
			ats[i] = time.Duration(i)*part + between(0, part)
		}
		return ats
	}
	for i, at := range evenly(kills) {
		k := kill{at: at, victim: roles[r.IntN(len(roles))], which: r.IntN(len(instances)), pause: between(0, maxPause)}
		// The gateway is in no group. A short campaign has no time for it.
		if k.victim != "gateway" && i%8 == 7 && duration >= 8*session {
			k.long, k.pause = true, between(session+2*time.Second, session+5*time.Second)
		}
		p.roles = append(p.roles, k)
	}
	victims := []string{broker, broker, redisEmptied, redisPromoted, mongoPrimary}
	r.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for i, at := range evenly(len(victims)) {
		p.servers = append(p.servers, kill{at: at, victim: victims[i], which: r.IntN(3), pause: between(0, maxPause)})
	}
	return p
}

func (p plan) String() string {
	all := slices.Concat(p.roles, p.servers)
	slices.SortStableFunc(all, func(a, b kill) int { return int(a.at - b.at) })
	var b strings.Builder
	for _, k := range all {
		fmt.Fprintf(&b, "%8.1f s  %s\n", k.at.Seconds(), k)
	}
	return b.String()
}
