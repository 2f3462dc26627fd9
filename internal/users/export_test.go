package users

import (
	"time"

	"regie/internal/stream"
)

// SetLasting has an erasure wait less than writes may take.
func (s *Service) SetLasting(d time.Duration) { s.lasting = d }

// Receipt is that of a record, wherever it is.
func (s *Service) Receipt(topic string, partition int32, offset int64) string {
	return s.receipt(topic, stream.Delivery{Partition: partition, Offset: offset})
}
