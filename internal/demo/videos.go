package demo

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listVideos turns the seasons, replays and other videos of the file into videos. Each gets an id that does not depend
// on its neighbours, so that adding one never renames another.
func (p *programme) listVideos() error {
	for i, s := range p.Seasons {
		if err := p.listSeason(int32(i+1), s); err != nil {
			return fmt.Errorf("season %d: %w", i+1, err)
		}
	}
	for _, text := range nonEmptyLines(p.Replays) {
		date, rest, _ := strings.Cut(text, " | ")
		day, err := p.day(date)
		if err != nil {
			return err
		}
		l, err := parseLine(rest)
		if err != nil {
			return err
		}
		v := p.add("REPLAY", p.ID+"-"+day.Format("20060102"), l)
		v.seconds, v.published = around(v.id, p.Minutes), day
	}
	for _, text := range nonEmptyLines(p.Videos) {
		if err := p.listVideo(text); err != nil {
			return err
		}
	}
	return nil
}

func (p *programme) listSeason(number int32, s season) error {
	first, err := p.day(s.Published)
	if err != nil {
		return err
	}
	minutes := s.Minutes
	if minutes == 0 {
		minutes = p.Minutes
	}
	every, by := max(s.Every, 0), max(s.By, 1)
	if every == 0 {
		every = 7
	}
	for i, text := range nonEmptyLines(s.Episodes) {
		l, err := parseLine(text)
		if err != nil {
			return err
		}
		v := p.add("EPISODE", fmt.Sprintf("%s-s%02de%02d", p.ID, number, i+1), l)
		v.season, v.episode = number, int32(i+1)
		v.seconds = around(v.id, minutes)
		// Episodes of one evening come out in their order, a minute apart: sorting by date keeps the story straight.
		v.published = first.AddDate(0, 0, i/by*every).Add(time.Duration(i%by) * time.Minute)
	}
	return nil
}

// listVideo reads "KIND date duration | title | synopsis", the duration as [h:]m:ss.
func (p *programme) listVideo(text string) error {
	head, rest, _ := strings.Cut(text, " | ")
	words := strings.Fields(head)
	if len(words) != 3 {
		return fmt.Errorf("video %q: want KIND date duration | title | synopsis", text)
	}
	if !slices.Contains(videoKinds, words[0]) || words[0] == "EPISODE" {
		return fmt.Errorf("video %q: unknown kind %q", text, words[0])
	}
	day, err := p.day(words[1])
	if err != nil {
		return err
	}
	seconds, err := parseDuration(words[2])
	if err != nil {
		return err
	}
	l, err := parseLine(rest)
	if err != nil {
		return err
	}
	v := p.add(words[0], p.ID+"-"+l.slug, l)
	v.seconds, v.published = seconds, day
	return nil
}

func (p *programme) add(kind, id string, l line) *video {
	v := &video{id: id, slug: l.slug, title: l.title, kind: kind, short: l.short, medium: l.medium}
	p.videos = append(p.videos, v)
	return v
}

func parseDuration(s string) (int32, error) {
	var total int
	for part := range strings.SplitSeq(s, ":") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("duration %q: want [h:]m:ss", s)
		}
		total = total*60 + n
	}
	return int32(total), nil
}

// around is a duration of so many minutes, a little more or less: no two episodes of a real series last the same.
func around(id string, minutes int) int32 {
	seconds := minutes * 60
	room := max(seconds/12, 1)
	return int32(seconds - room/2 + int(hash(id)%uint64(room)))
}

// hash is what stands for chance here: fixed for a given text.
func hash(s string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(s))
	return h.Sum64()
}
