package catalog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// nodes tells in a word which nodes Redis's data is on, by the ids that a node makes at each start, and when the youngest
// of them was started. The word is "" where Redis does not tell, as the embedded one does not.
func (c *Catalog) nodes(ctx context.Context) (word string, youngest time.Time, err error) {
	var mu sync.Mutex
	var ids []string
	ask := func(ctx context.Context, node *redis.Client) error {
		info, err := node.Info(ctx, "server").Result()
		if err != nil && !errors.As(err, new(redis.Error)) { // a refusal has no id
			return fmt.Errorf("asking a node of Redis which one it is: %w", err)
		}
		id, up := "", time.Duration(0)
		for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
			switch k, v, _ := strings.Cut(lines.Text(), ":"); k {
			case "run_id":
				id = v
			case "uptime_in_seconds":
				n, _ := strconv.Atoi(v)
				up = time.Duration(n) * time.Second
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if began := time.Now().Add(-up); began.After(youngest) {
			youngest = began
		}
		ids = append(ids, id)
		return nil
	}
	switch client := c.redis.(type) {
	case *redis.ClusterClient:
		err = client.ForEachMaster(ctx, ask)
	case *redis.Client:
		err = ask(ctx, client)
	}
	if err != nil || len(ids) == 0 || slices.Contains(ids, "") {
		return "", youngest, err
	}
	slices.Sort(ids)
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(ids, " ")))
	return strconv.FormatUint(h.Sum64(), 16), youngest, nil
}
