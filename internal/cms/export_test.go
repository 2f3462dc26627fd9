package cms

// KeepChanges makes the store keep fewer changes than it does.
func (b *Bolt) KeepChanges(n uint64) { b.kept = n }
