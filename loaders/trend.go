package loaders

import (
	"context"
	"fmt"

	"regie/internal/catalog"
	"regie/internal/trend"
	catalogv1 "regie/proto/catalog/v1"
)

// Rank names what is watched most, without which no ranking may be read.
func (l *Loaders) Rank(t *trend.Trend) *Loaders {
	l.trends = t
	return l
}

// Top reads part of a ranking.
func (l *Loaders) Top(ctx context.Context, list trend.List) ([]trend.Item, error) {
	return load[[]trend.Item](ctx, l, list)
}

// Ranked reads the counts of a kind's items in a window, by the CMS id: 0 of those that are not in the ranking.
func (l *Loaders) Ranked(ctx context.Context, kind trend.Kind, window catalogv1.TrendWindow, ids []string) ([]int64, error) {
	lists := make([]trend.List, len(ids))
	for i, id := range ids {
		lists[i] = trend.List{Kind: kind, Window: window, Of: id}
		l.keys.Load(ctx, lists[i])
	}
	out := make([]int64, len(ids))
	for i, list := range lists {
		items, err := l.Top(ctx, list)
		if err != nil {
			return nil, err
		}
		if len(items) > 0 {
			out[i] = items[0].Count
		}
	}
	return out, nil
}

// rank reads rankings.
func (l *Loaders) rank(ctx context.Context, lists []trend.List) (answers []trend.Answer) {
	if len(lists) == 0 {
		return nil
	}
	observe(ctx, l, lists, func(ctx context.Context) (failed error) {
		answers = l.trends.Read(ctx, l.view.Now, lists)
		for i, a := range answers {
			if a.Err != nil {
				answers[i].Err = fmt.Errorf("%w: %w", catalog.ErrUnavailable, a.Err)
				failed = answers[i].Err
			}
		}
		return failed
	})
	return answers
}
