package boltstore

import "go.etcd.io/bbolt"

// Sizes are how many favourites, rows of progress, the same by programme, places in lists, keys, erased viewers and clearings the file has.
func (s *Store) Sizes() (n [7]int) {
	_ = s.db.View(func(tx *bbolt.Tx) error {
		for i, name := range []string{"favourites", "progress", "of", "times", "keys", "erased", "cleared"} {
			n[i] = tx.Bucket([]byte(name)).Stats().KeyN
		}
		return nil
	})
	return n
}
