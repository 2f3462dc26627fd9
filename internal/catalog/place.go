package catalog

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spot is where an entity is in a family: a member of a set, or a claim on a slug.
type spot struct {
	set, member string
	claim       bool
}

func (p Placement) spots(id string) []spot {
	out := make([]spot, len(p.Places))
	tail := "\x00" + id + "\x00" + p.Note
	for i, pl := range p.Places {
		if pl.isClaim() {
			out[i] = spot{pl.Set, pl.Key + id, true}
		} else {
			out[i] = spot{pl.Set, pl.Key + tail, false}
		}
	}
	return out
}

// entry is what is to be done for a change in a family.
type entry struct {
	family        Family
	change        int
	leaves        bool // the family
	adds, removes []spot
	// claimed are the slugs that it had.
	claimed map[string]bool
}

// entries are those of a move, each of another family.
func (m move) entries(ch Change) (out []entry) {
	type place struct {
		family Family
		spot
	}
	id := WithoutNUL(ch.ID)
	out = make([]entry, 0, len(ch.Placements))
	if len(m.was) == 0 { // it is new
		for _, p := range ch.Placements {
			out = append(out, entry{family: p.Family, change: m.change, adds: p.spots(id)})
		}
		return out
	}
	at := make(map[Family]int, len(ch.Placements))
	old := map[place]bool{}
	for _, p := range m.was {
		for _, s := range p.spots(id) {
			old[place{p.Family, s}] = true
		}
	}
	for _, p := range ch.Placements {
		e := entry{family: p.Family, change: m.change, adds: p.spots(id)}
		e.adds = slices.DeleteFunc(e.adds, func(s spot) bool {
			was := old[place{p.Family, s}]
			delete(old, place{p.Family, s})
			return was && !m.all
		})
		at[p.Family] = len(out)
		out = append(out, e)
	}
	for _, p := range m.was {
		n, stays := at[p.Family]
		if !stays {
			n = len(out)
			at[p.Family] = n
			out = append(out, entry{family: p.Family, change: m.change, leaves: true})
		}
		for _, s := range p.spots(id) {
			if s.claim {
				if out[n].claimed == nil {
					out[n].claimed = map[string]bool{}
				}
				out[n].claimed[s.set] = true
			}
			if old[place{p.Family, s}] {
				delete(old, place{p.Family, s})
				out[n].removes = append(out[n].removes, s)
			}
		}
	}
	return slices.DeleteFunc(out, func(e entry) bool { return !m.all && !e.leaves && len(e.adds)+len(e.removes) == 0 })
}

func (e entry) size() int { return placeSize * (len(e.adds) + len(e.removes)) }

// place puts entities where they are to be, and takes them from where they were.
func (c *Catalog) place(ctx context.Context, changes []Change, moves []move, out []Outcome, now time.Time) error {
	var entries []entry
	for _, m := range moves {
		entries = append(entries, m.entries(changes[m.change])...)
	}
	for len(entries) > 0 {
		cs := calls{}
		for i, e := range entries {
			cs.at(c.base(e.family)+setMembers, i, e.size())
		}
		for _, at := range cs.all {
			at.args = placeArgs(changes, entries, at.changes, now)
		}
		var again []entry
		err := cs.do(ctx, c, placeScript, func(at *call, reply []any) error {
			if len(reply) != 2 {
				return errors.New("the script answered something else")
			}
			newer, _ := reply[0].([]any)
			contested, _ := reply[1].([]any)
			for n, i := range at.changes { // which are entries here
				if len(newer) > 0 && !slices.Contains(newer, any(int64(n))) {
					again = append(again, entries[i])
				}
			}
			for ; len(contested) >= 4; contested = contested[4:] {
				which, _ := contested[0].(int64)
				set, _ := contested[1].(string)
				first, _ := contested[2].(string)
				second, _ := contested[3].(string)
				i := entries[at.changes[which]].change
				o, slug := &out[i], set[strings.LastIndexByte(set, '/')+1:] // a video's has its programme before it
				if claimant(first) == changes[i].ID {
					o.Displaced = append(o.Displaced, Displaced{claimant(second), slug})
				} else {
					o.Contested = append(o.Contested, slug)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		entries = again
	}
	return nil
}

// runSize is how many arguments a command within a script has at the most.
const runSize = 1000

// run is such a command.
type run struct {
	command, set string
	args         []any
}

// placeArgs are place.lua's arguments for some of the entries.
func placeArgs(changes []Change, entries []entry, which []int, now time.Time) []any {
	var leaving, giveUp, claim []any
	entities := make([]any, 0, 2*len(which))
	var runs []*run
	open := map[string]*run{}
	add := func(command, set string, args ...any) {
		r := open[set]
		if r == nil || len(r.args)+len(args) > runSize {
			r = &run{command: command, set: set}
			open[set] = r
			runs = append(runs, r)
		}
		r.args = append(r.args, args...)
	}
	for _, i := range which {
		e := &entries[i]
		id := WithoutNUL(changes[e.change].ID)
		if e.leaves {
			leaving = append(leaving, id)
		}
		for _, s := range e.removes {
			if s.claim {
				giveUp = append(giveUp, s.set, s.member)
			} else {
				add("ZREM", s.set, s.member)
			}
		}
	}
	clear(open)
	for n, i := range which {
		e := &entries[i]
		ch := &changes[e.change]
		entities = append(entities, WithoutNUL(ch.ID), ch.Fence.String())
		for _, s := range e.adds {
			switch {
			case !s.claim:
				add("ZADD", s.set, "0", s.member)
			case e.claimed[s.set] || !strings.HasPrefix(s.set, slugNow):
				claim = append(claim, s.set, s.member, "")
			default:
				claim = append(claim, s.set, s.member, strconv.Itoa(n))
			}
		}
	}
	args := []any{now.UnixMilli(), fenceKept.Milliseconds()}
	for _, list := range [][]any{entities, leaving, giveUp, claim} {
		args = append(append(args, len(list)), list...)
	}
	for _, r := range runs {
		args = append(append(args, r.command, r.set, len(r.args)), r.args...)
	}
	return args
}

// pack writes placements, the same for the same.
func pack(ps []Placement) string {
	b := binary.AppendUvarint(nil, uint64(len(ps)))
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, p := range ps {
		text(string(p.Family))
		text(p.Note)
		b = binary.AppendUvarint(b, uint64(len(p.Places)))
		for _, pl := range p.Places {
			text(pl.Set)
			text(pl.Key)
		}
	}
	return string(b)
}

// unpack reads what entity.lua returns: several times placements, as netstrings. What cannot be read, because somebody
// changed it in Redis, is left out: its places stay, which readers pass over.
func unpack(s string) (out []Placement) {
	for s != "" {
		size, rest, _ := strings.Cut(s, ":")
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || n > len(rest) {
			return out
		}
		r := unpacker{rest[:n]}
		for of := r.number(); of > 0 && r.rest != ""; of-- {
			p := Placement{Family: Family(r.text()), Note: r.text()}
			for of := r.number(); of > 0 && r.rest != ""; of-- {
				p.Places = append(p.Places, Place{r.text(), r.text()})
			}
			out = append(out, p)
		}
		s = rest[n:]
	}
	return out
}

// unpacker reads what pack wrote; behind its end are zeros.
type unpacker struct{ rest string }

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint([]byte(u.rest[:min(len(u.rest), binary.MaxVarintLen64)]))
	if size <= 0 {
		u.rest = ""
		return 0
	}
	u.rest = u.rest[size:]
	return n
}

func (u *unpacker) text() string {
	n := min(u.number(), uint64(len(u.rest)))
	s := u.rest[:n]
	u.rest = u.rest[n:]
	return s
}
