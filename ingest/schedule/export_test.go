package schedule

// Together says how many are fired in one transaction.
func (s *Schedule) Together(n int) { s.most, s.together = n, n }

// At has fn called before each step; records are written one by one then.
func (s *Schedule) At(fn func(step string)) { s.step = fn }
