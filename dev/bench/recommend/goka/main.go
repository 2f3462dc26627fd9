// Goka computes a programme's sections as a Goka processor would: one value per programme, which has all of its videos. It is
// the rival of dev/bench/recommend, which starts it.
//
// Its input is keyed by the programme already, so that it need not find out where a video was before: what moves is not
// its business. It says "ready" when its table is recovered.
package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/lovoo/goka"
	"github.com/lovoo/goka/storage"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	catalogv1 "regie/proto/catalog/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// state is a programme's value.
type state struct {
	videos map[string]*catalogv1.Video
	told   [sha256.Size]byte
}

type stateCodec struct{}

func (stateCodec) Encode(value any) ([]byte, error) {
	s := value.(*state)
	var b bytes.Buffer
	b.Write(s.told[:])
	for _, v := range s.videos {
		if _, err := protodelim.MarshalTo(&b, v); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func (stateCodec) Decode(data []byte) (any, error) {
	s := &state{videos: map[string]*catalogv1.Video{}}
	videos, err := videosCodec{}.Decode(data[copy(s.told[:], data):])
	if err != nil {
		return nil, err
	}
	for _, v := range videos.([]*catalogv1.Video) {
		s.videos[v.GetId()] = v
	}
	return s, nil
}

// videosCodec is of a change: one video, or many that are there at the start.
type videosCodec struct{}

func (videosCodec) Encode(any) ([]byte, error) { return nil, errors.New("it only reads") }

func (videosCodec) Decode(data []byte) (any, error) {
	var out []*catalogv1.Video
	for r := bytes.NewReader(data); ; {
		v := &catalogv1.Video{}
		err := protodelim.UnmarshalFrom(r, v)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
}

type sectionsCodec struct{}

func (sectionsCodec) Encode(value any) ([]byte, error) {
	return proto.Marshal(value.(*catalogv1.ProgrammeSections))
}

func (sectionsCodec) Decode(data []byte) (any, error) {
	m := &catalogv1.ProgrammeSections{}
	return m, proto.Unmarshal(data, m)
}

func run(ctx context.Context) error {
	config := goka.DefaultConfig()
	config.Version = sarama.V2_4_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Compression = sarama.CompressionNone
	config.Producer.Flush.Frequency, config.Producer.Flush.Bytes, config.Producer.Flush.Messages = 0, 0, 0 // as ours: what comes leaves at once
	config.Producer.MaxMessageBytes = 64 << 20
	config.Consumer.Fetch.Max = 64 << 20
	config.Consumer.MaxWaitTime = 100 * time.Millisecond
	goka.ReplaceGlobalConfig(config)
	name := os.Getenv("BENCH_NAME")
	rules := &catalogv1.Programme{}
	if err := protojson.Unmarshal([]byte(os.Getenv("BENCH_RULES")), rules); err != nil {
		return err
	}
	output := goka.Stream(name + ".goka-enriched")
	group := goka.DefineGroup(goka.Group(name+".goka"),
		goka.Input(goka.Stream(name+".goka-changes"), videosCodec{}, func(ctx goka.Context, msg any) {
			s, ok := ctx.Value().(*state)
			if !ok {
				s = &state{videos: map[string]*catalogv1.Video{}}
			}
			for _, v := range msg.([]*catalogv1.Video) {
				s.videos[v.GetId()] = v
			}
			out := sections(ctx.Key(), rules, s.videos)
			b, err := proto.MarshalOptions{Deterministic: true}.Marshal(out)
			if err != nil {
				ctx.Fail(err)
			}
			if told := sha256.Sum256(b); told != s.told {
				s.told = told
				ctx.Emit(output, ctx.Key(), out)
			}
			ctx.SetValue(s)
		}),
		goka.Output(output, sectionsCodec{}),
		goka.Persist(stateCodec{}),
	)
	topics := goka.NewTopicManagerConfig()
	topics.Table.Replication, topics.Stream.Replication = 1, 1
	p, err := goka.NewProcessor(strings.Split(os.Getenv("REGIE_KAFKA"), ","), group,
		goka.WithHasher(func() hash.Hash32 { return &murmur2{} }),
		goka.WithStorageBuilder(storage.DefaultBuilder(os.Getenv("BENCH_DIR"))),
		goka.WithTopicManagerBuilder(goka.TopicManagerBuilderWithConfig(config, topics)))
	if err != nil {
		return err
	}
	go func() {
		if p.WaitForReadyContext(ctx) == nil {
			fmt.Println("ready")
		}
	}()
	return p.Run(ctx)
}

// sections are what the rules find, by looking at every video.
func sections(id string, rules *catalogv1.Programme, videos map[string]*catalogv1.Video) *catalogv1.ProgrammeSections {
	out := &catalogv1.ProgrammeSections{ProgrammeId: id}
	now := time.Now()
	for _, r := range rules.GetSections() {
		var found []*catalogv1.Video
		for _, v := range videos {
			f := r.GetFilter()
			if (len(f.GetKinds()) == 0 || slices.Contains(f.GetKinds(), v.GetKind())) &&
				(len(f.GetSeasons()) == 0 || slices.Contains(f.GetSeasons(), v.GetSeasonNumber())) && !v.GetPublishedAt().AsTime().After(now) {
				found = append(found, v)
			}
		}
		slices.SortFunc(found, func(a, b *catalogv1.Video) int {
			date := cmp.Or(b.GetPublishedAt().AsTime().Compare(a.GetPublishedAt().AsTime()), cmp.Compare(b.GetId(), a.GetId()))
			if r.GetOrder() == catalogv1.SectionOrder_SECTION_ORDER_EPISODE {
				return cmp.Or(cmp.Compare(a.GetSeasonNumber(), b.GetSeasonNumber()), cmp.Compare(a.GetEpisodeNumber(), b.GetEpisodeNumber()), -date)
			}
			return date
		})
		s := &catalogv1.ComputedSection{Id: r.GetId(), Title: r.GetTitle(), Limit: r.GetLimit()}
		for screen := range int32(3) {
			on := &catalogv1.ScreenVideos{Screen: catalogv1.Screen(screen + 1)}
			for _, v := range found[:min(len(found), int(r.GetLimit()))] {
				on.Videos = append(on.Videos, &catalogv1.SectionVideo{Id: v.GetId()})
			}
			s.Screens = append(s.Screens, on)
		}
		out.Sections = append(out.Sections, s)
	}
	return out
}

// murmur2 is Java's partitioner's hash, as sarama wants it.
type murmur2 struct{ key []byte }

func (m *murmur2) Write(p []byte) (int, error) { m.key = append(m.key, p...); return len(p), nil }
func (m *murmur2) Sum(b []byte) []byte         { return b }
func (m *murmur2) Reset()                      { m.key = m.key[:0] }
func (m *murmur2) Size() int                   { return 4 }
func (m *murmur2) BlockSize() int              { return 4 }

// Sum32 is masked: sarama negates what is negative.
func (m *murmur2) Sum32() uint32 {
	const mul = 0x5bd1e995
	k := m.key
	h := uint32(0x9747b28c) ^ uint32(len(k))
	for ; len(k) >= 4; k = k[4:] {
		w := uint32(k[0]) | uint32(k[1])<<8 | uint32(k[2])<<16 | uint32(k[3])<<24
		w *= mul
		w ^= w >> 24
		w *= mul
		h = h*mul ^ w
	}
	for i := len(k) - 1; i >= 0; i-- {
		h ^= uint32(k[i]) << (8 * i)
		if i == 0 {
			h *= mul
		}
	}
	h ^= h >> 13
	h *= mul
	h ^= h >> 15
	return h & 0x7fffffff
}
