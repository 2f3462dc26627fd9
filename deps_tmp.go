package main

import (
	_ "github.com/99designs/gqlgen/graphql/handler"
	_ "github.com/vektah/gqlparser/v2"
	_ "github.com/alecthomas/kong"
	_ "github.com/alicebob/miniredis/v2"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/google/uuid"
	_ "github.com/graph-gophers/dataloader/v7"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/redis/go-redis/v9"
	_ "github.com/twmb/franz-go/pkg/kfake"
	_ "github.com/vektah/gqlparser/v2"
	_ "go.etcd.io/bbolt"
	_ "go.mongodb.org/mongo-driver/v2/mongo"
	_ "golang.org/x/sync/errgroup"
	_ "golang.org/x/text/unicode/norm"
)
