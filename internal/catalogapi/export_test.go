package catalogapi

import "time"

// SetAway makes the hub less patient, or more.
func (h *Hub) SetAway(d time.Duration) { h.away = d }

// SetPatience is likewise of the service.
func (s *Service) SetPatience(d time.Duration) { s.patience = d }

// Watched counts the watches, and the ids that they watch.
func (h *Hub) Watched() (watches, ids int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.watches), len(h.byID)
}

// Entity is what an answer has of a blob.
var Entity = entity
