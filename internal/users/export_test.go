package users

import (
	"time"

	"regie/internal/stream"
)

// SetLasting has an erasure wait less than writes may take.
func (s *Service) SetLasting(d time.Duration) { s.lasting = d }

// Waiting counts those who wait for persist.
func (s *Service) Waiting() int {
	s.applied.mu.Lock()
	defer s.applied.mu.Unlock()
	return len(s.applied.waiting)
}

// Receipt is that of a record, wherever it is.
func (s *Service) Receipt(topic string, partition int32, offset int64) string {
	return s.receipt(topic, stream.Delivery{Partition: partition, Offset: offset})
}
