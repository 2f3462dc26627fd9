package users

import (
	"fmt"
	"strconv"
	"strings"

	"regie/internal/stream"
)

// receipts is what their signatures are for.
const receipts = "users' receipt"

// maxReceipts bounds those of one not_before. A viewer's records are in two partitions.
const maxReceipts = 100

// receipt is a record's place, for not_before.
func (s *Service) receipt(topic string, d stream.Delivery) string {
	partition := stream.Assigned{Topic: topic, Partition: d.Partition}.String()
	return s.tokens.Encode(receipts, fmt.Sprintf("%s/%d", partition, d.Offset))
}

// marks are the offsets, by partition, that a not_before names.
func (s *Service) marks(notBefore string) (map[string]int64, error) {
	if notBefore == "" {
		return nil, nil
	}
	if n := strings.Count(notBefore, "~") + 1; n > maxReceipts {
		return nil, invalid("not_before: %d receipts are too many: at most %d", n, maxReceipts)
	}
	out := map[string]int64{}
	for token := range strings.SplitSeq(notBefore, "~") {
		place, ok := s.tokens.Decode(receipts, token)
		i := strings.LastIndexByte(place, '/')
		if !ok || i < 0 {
			return nil, invalid("not_before: %q is no receipt's token: give those of writes as they came, joined by ~", clip(token))
		}
		offset, err := strconv.ParseInt(place[i+1:], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("a receipt of ours has no offset: %w", err)
		}
		out[place[:i]] = max(out[place[:i]], offset)
	}
	return out, nil
}

// clip keeps an answer from echoing much of its request.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
