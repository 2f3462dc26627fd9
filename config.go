package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"regie/internal/embedded"
	"regie/internal/identity"
	"regie/internal/telemetry"
	"regie/internal/users/dynamostore"
)

// defaultAdmin is where subcommands look for a running process.
const defaultAdmin = "127.0.0.1:8081"

// config is every flag, of every command. --a-b is REGIE_A_B in the environment; flags win.
type config struct {
	HTTP  string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Where GraphQL and the pages are served: ${default}."`
	Admin string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"Where operators look (/metrics, /livez, /readyz, pprof) and where subcommands find the embedded CMS: ${default}."`

	GRPC            string `name:"grpc" default:"127.0.0.1:8082" placeholder:"HOST:PORT" help:"Where other back ends ask (gRPC: CatalogService of the gateway, UserService of users, ScheduleService of schedule), and where the command schedule asks: ${default}."`
	GRPCTLSCert     string `name:"grpc-tls-cert" type:"path" placeholder:"FILE" help:"Certificate in PEM by which gRPC is encrypted; also the gateway's own for --users. Default: plain text."`
	GRPCTLSKey      string `name:"grpc-tls-key" type:"path" placeholder:"FILE" help:"Its key."`
	GRPCTLSClientCA string `name:"grpc-tls-client-ca" type:"path" placeholder:"FILE" help:"Authorities in PEM of the certificates that gRPC's clients must show; also those of --users."`
	Users           string `placeholder:"HOST:PORT" help:"Where a gateway asks the role users (gRPC). Default: in its own process."`

	Kafka           string `placeholder:"HOST:PORT,..." group:"Real servers" help:"Kafka's bootstrap brokers."`
	KafkaProperties string `placeholder:"FILE" type:"path" group:"Real servers" help:"Properties for librdkafka, a name=value a line: TLS, SASL."`
	Redis           string `placeholder:"URL" group:"Real servers" help:"redis://HOST:PORT, rediss://..., or redis+cluster://HOST:PORT."`
	Mongodb         string `name:"mongodb" placeholder:"URI" group:"Real servers" help:"MongoDB, a replica set: mongodb://..."`
	MongodbDatabase string `default:"cms" placeholder:"NAME" group:"Real servers" help:"The CMS's database: ${default}."`
	Dynamodb        string `name:"dynamodb" placeholder:"REGION|URL" group:"Real servers" help:"DynamoDB: a region of AWS, or the URL of a DynamoDB Local."`
	DynamodbTable   string `name:"dynamodb-table" default:"regie-users" placeholder:"NAME" group:"Real servers" help:"The table of what viewers did: ${default}."`

	Data       string         `default:".regie" type:"path" placeholder:"DIR" help:"Where the embedded servers keep their data: .regie."`
	Project    string         `default:"regie" placeholder:"NAME" help:"First part of the names of topics, groups and keys: ${default}."`
	Instance   string         `placeholder:"NAME" help:"This process among those that share its roles; must survive a restart. Default: the host's name."`
	SecretFile string         `type:"path" placeholder:"FILE" help:"File of the secret that all of gateway and users share, which signs cursors and hides users' ids: it must never change. Or REGIE_SECRET in the environment. Embedded: made on the first start."`
	Drain      *time.Duration `placeholder:"TIME" help:"How long a gateway that is told to stop goes on answering, not ready, so that load balancers see it. Default: 3s; embedded 0."`
	Leave      bool           `help:"Leave the consumer groups at a stop: for instances whose names do not come back. Default: wait 15 s for a return under the same name."`
	GraphiQL   *bool          `name:"graphiql" negatable:"" help:"Serve GraphiQL and let clients read the schema. Default: only embedded."`
	CORSOrigin []string       `name:"cors-origin" placeholder:"ORIGIN,..." help:"Other sites whose pages may ask GraphQL, such as https://www.example.org; * for all. Default: none."`

	DemoTraffic *bool          `name:"demo-traffic" negatable:"" help:"Let pretend viewers (demo-viewer-1 and so on) watch the demonstration, a report a second, so that trends move. Embedded alone. Default: yes."`
	DemoOpens   *time.Duration `name:"demo-opens" placeholder:"TIME" help:"How long after each start the demonstration opens what says so, unless it was edited; 0: never. Embedded alone. Default: 1m."`

	JWTIssuer     string   `name:"jwt-issuer" default:"regie" placeholder:"NAME" group:"Who is asking" help:"What viewers' tokens must have as iss: ${default}."`
	JWTAudience   string   `name:"jwt-audience" default:"regie" placeholder:"NAME" group:"Who is asking" help:"What viewers' tokens must have among their aud: ${default}."`
	JWKS          string   `name:"jwks" placeholder:"FILE|URL" group:"Who is asking" help:"The issuer's public keys, as a JWKS: RS256, ES256 and EdDSA. It is read again when it changes."`
	JWTSecretFile string   `name:"jwt-secret-file" type:"path" placeholder:"FILE" group:"Who is asking" help:"File of a secret that signs tokens by HS256, for development; or REGIE_JWT_SECRET in the environment. Embedded without --jwks: made on the first start."`
	GRPCServices  []string `name:"grpc-services" placeholder:"NAME,..." group:"Who is asking" help:"Services, by the names in their certificates, that may ask gRPC for any user. Default: none."`

	LogLevel  string `default:"info" enum:"debug,info,warn,error" help:"One of ${enum}."`
	LogFormat string `default:"text" enum:"text,json" help:"One of ${enum}."`

	Run    runCommand    `cmd:"" default:"withargs" help:"Start roles. Without addresses: every role, on embedded servers. This is the default command."`
	Import importCommand `cmd:"" help:"Fill the CMS from a titles file, or take over what viewers did elsewhere."`
	CMS    cmsCommand    `cmd:"" name:"cms" help:"Read and edit documents of the CMS."`
	Topics topicsCommand `cmd:"" help:"Create and check Kafka's topics."`
	Token  tokenCommand  `cmd:"" help:"Print a viewer's token, for development."`

	Schedule scheduleCommand `cmd:"" help:"Show and change what is to be produced at a time, through a running process that has the role schedule (--grpc)."`

	Tables  tablesCommand  `cmd:"" help:"Create and check DynamoDB's table."`
	Version versionCommand `cmd:"" help:"Print the version."`

	Completion kongcompletion.Completion `cmd:"" help:"Print the code by which a shell completes commands and flags."`

	secret, jwtSecret string
	capacity          dynamostore.Capacity // of a new table
	// traces is the protocol by which spans leave, or "".
	traces string
	// embedded: the run command starts its own servers.
	embedded bool
}

type runCommand struct {
	Role []string `placeholder:"ROLE,..." help:"Roles to start, on real servers: capture, transform, recommend, project, persist, trend, schedule, users, gateway. Default: all."`
}

type importCommand struct {
	Titles struct {
		File string `arg:"" type:"path" help:"CSV with the columns show_id, type, title, and as many as there are of director, cast, country, date_added, release_year, rating, duration, listed_in, description."`
	} `cmd:"" default:"withargs" help:"Fill the CMS from a titles file. This is the default."`
	Users struct {
		File    string `arg:"" help:"JSON lines, or CSV with these columns: user, favourite (programme:... or video:...) or video with position, duration and session, and at. - is the standard input."`
		Errors  string `type:"path" placeholder:"FILE" help:"Where all rows that are left out are told; without it, the first 20 are."`
		Restart bool   `help:"Begin anew, where an import of this file was interrupted."`
	} `cmd:"" help:"Take over viewers' favourites and progress: through a running process that has the role users (--admin)."`
}

type tokenCommand struct {
	User string        `required:"" placeholder:"ID" help:"Whose: the token's sub."`
	TTL  time.Duration `name:"ttl" default:"1h" placeholder:"TIME" help:"How long it is valid: ${default}."`
}

type cmsCommand struct {
	Get struct {
		target
	} `cmd:"" help:"Print a document."`
	Set struct {
		target
		Assignments []string `arg:"" name:"assignment" help:"title='New title', synopsis.short=..., or for any type year:=2026; field:=null removes a field."`
	} `cmd:"" help:"Change fields of a document."`
	Put struct {
		Collection string `arg:"" help:"channel, programme, video, person or page."`
		File       string `arg:"" optional:"" type:"path" help:"Documents as Extended JSON, one after the other; without it the standard input."`
	} `cmd:"" help:"Insert or replace documents."`
	Delete struct {
		target
	} `cmd:"" help:"Delete a document."`
	Export struct {
		Collection string `arg:"" help:"channel, programme, video, person or page."`
	} `cmd:"" help:"Print all documents of a collection, as put reads them."`
}

type target struct {
	Collection string `arg:"" help:"channel, programme, video, person or page."`
	Ref        string `arg:"" name:"slug-or-id" help:"Its slug, its _id, its global id such as programme:p001, or programme/video for a video."`
}

type topicsCommand struct {
	Apply struct {
		Replication int `default:"0" help:"Replicas of each partition; 0 is the brokers' default."`
	} `cmd:"" help:"Create the topics that are missing, and check the others."`
	Check struct{} `cmd:"" help:"Check that the topics are there and as they must be."`
}

type tablesCommand struct {
	Apply struct {
		Capacity string `name:"dynamodb-capacity" default:"on-demand" placeholder:"on-demand|READ/WRITE" help:"What a new table is paid for by, such as 100/500 units a second: ${default}."`
	} `cmd:"" help:"Create the table, its index and its expiry if they are missing, and check the rest."`
	Check struct{} `cmd:"" help:"Check that the table is there and as it must be."`
}

type scheduleCommand struct {
	List struct {
		Topic  string `placeholder:"NAME" help:"Only what goes to this topic, by its whole name."`
		Prefix string `placeholder:"TEXT" help:"Only ids that begin so."`
		From   string `placeholder:"TIME" help:"Not before: 2026-11-22T20:00:00Z, or from now +1h30m."`
		Until  string `placeholder:"TIME" help:"Before."`
		Limit  int    `default:"50" help:"At most so many: ${default}; 0 is all."`
		JSON   bool   `name:"json" help:"As JSON, one a line."`
	} `cmd:"" help:"List what is pending, the earliest first."`
	Show struct {
		ID   string `arg:""`
		JSON bool   `name:"json" help:"As JSON."`
	} `cmd:"" help:"Show a schedule: what is pending of it, and what was fired."`
	Add struct {
		ID     string   `arg:""`
		Topic  string   `required:"" placeholder:"NAME" help:"The target topic's whole name."`
		At     string   `required:"" placeholder:"TIME" help:"When: 2026-11-22T20:00:00Z, or from now +1h30m."`
		Key    *string  `placeholder:"TEXT" help:"The record's key. Default: none."`
		Value  *string  `placeholder:"TEXT" help:"The record's value; - is the standard input. Default: a tombstone."`
		Header []string `sep:"none" placeholder:"NAME=VALUE" help:"A header; may be given several times."`
	} `cmd:"" help:"Request a record, or replace the request of this id."`
	Move struct {
		ID string `arg:""`
		At string `arg:"" help:"When: 2026-11-22T20:00:00Z, or from now +1h30m."`
	} `cmd:"" help:"Give a pending schedule another time."`
	Fire struct {
		ID string `arg:""`
	} `cmd:"" help:"Have a pending schedule produced now."`
	Cancel struct {
		ID string `arg:""`
	} `cmd:"" help:"Take a pending schedule back."`
}

type versionCommand struct{}

// roles that this program knows, in the order of the flow.
var roles = []string{"capture", "transform", "recommend", "project", "persist", "trend", "schedule", "users", "gateway"}

// needed are the servers that each role needs, where they are real.
var needed = map[string][]string{
	"capture": {"kafka", "mongodb"}, "transform": {"kafka"}, "recommend": {"kafka", "redis"}, "project": {"kafka", "redis"}, "persist": {"kafka", "dynamodb"},
	"trend": {"kafka", "redis"}, "schedule": {"kafka", "redis"}, "users": {"kafka", "redis", "dynamodb"}, "gateway": {"redis"},
}

const description = `Regie, the real-time backend of a video-on-demand broadcaster: what editors change in the CMS is served by
GraphQL, formatted for each screen, tens of milliseconds later. Without a command it starts all of it, embedded.

Every flag is also a variable of the environment: --log-level is REGIE_LOG_LEVEL. Flags win.`

// errHelp says that the user asked for help, and got it.
var errHelp = errors.New("help was printed")

// parse reads arguments and environment. All that is wrong with the environment and the values is reported at once.
func parse(args, env []string, stdout io.Writer) (*config, *kong.Context, error) {
	var c config
	helped := false
	parser, err := kong.New(&c,
		kong.Name("regie"), kong.Description(description), kong.Writers(stdout, stdout),
		kong.Exit(func(int) { helped = true }), // kong would end the process after --help
		kong.Resolvers(environment(env)), kong.ShortUsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}))
	if err != nil {
		return nil, nil, fmt.Errorf("describing the flags: %w", err)
	}
	kongcompletion.Register(parser)
	unknown := unknownVariables(parser, env)
	k, err := parser.Parse(args)
	if helped {
		return nil, nil, errHelp
	}
	if err != nil {
		return nil, nil, errors.Join(append(unknown, fmt.Errorf("%w (see --help)", err))...)
	}
	if err := errors.Join(append(unknown, c.complete(env, k.Command())...)...); err != nil {
		return nil, nil, err
	}
	return &c, k, nil
}

func variable(flag string) string {
	return "REGIE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func environment(env []string) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
		if v, ok := getenv(env, variable(f.Name)); ok {
			return v, nil
		}
		return nil, nil
	})
}

func getenv(env []string, name string) (string, bool) {
	for _, e := range env {
		if k, v, _ := strings.Cut(e, "="); k == name {
			return v, true
		}
	}
	return "", false
}

// Secrets are no flags: what is on a command line can be read by everyone on the machine.
const (
	secretVariable    = "REGIE_SECRET"
	jwtSecretVariable = "REGIE_JWT_SECRET"
)

func unknownVariables(parser *kong.Kong, env []string) []error {
	known := map[string]bool{secretVariable: true, jwtSecretVariable: true}
	_ = kong.Visit(parser.Model, func(n kong.Visitable, next kong.Next) error {
		if f, ok := n.(*kong.Flag); ok {
			known[variable(f.Name)] = true
		}
		return next(nil)
	})
	var errs []error
	for _, e := range env {
		if k, _, _ := strings.Cut(e, "="); strings.HasPrefix(k, "REGIE_") && !known[k] {
			errs = append(errs, fmt.Errorf("%s in the environment is no setting (see --help)", k))
		}
	}
	return errs
}

// complete fills in what depends on other settings and returns all that is wrong.
func (c *config) complete(env []string, command string) []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for flag, address := range map[string]string{"--http": c.HTTP, "--admin": c.Admin, "--grpc": c.GRPC, "--users": c.Users} {
		if flag == "--users" && address == "" {
			continue
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			fail("%s %q is no HOST:PORT", flag, address)
		}
	}
	for _, o := range c.CORSOrigin {
		u, err := url.Parse(o)
		if o != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != o) {
			fail("--cors-origin %q is neither * nor an origin such as https://www.example.org", o)
		}
	}
	if c.Instance == "" {
		c.Instance, _ = os.Hostname()
	}
	if c.Project == "" || strings.ContainsAny(c.Project, "{} \t\n") {
		fail("--project %q must be a name", c.Project)
	}
	secret := func(flag, file, variable string) string {
		if file == "" {
			v, _ := getenv(env, variable)
			return v
		}
		b, err := os.ReadFile(file)
		if err != nil {
			fail("%s: %w", flag, err)
		}
		return strings.TrimSpace(string(b))
	}
	c.secret = secret("--secret-file", c.SecretFile, secretVariable)
	c.jwtSecret = secret("--jwt-secret-file", c.JWTSecretFile, jwtSecretVariable)
	if n := len(c.jwtSecret); n > 0 && n < identity.MinSecret {
		fail("--jwt-secret-file (or %s) has %d bytes; HS256 needs %d: openssl rand -hex 32", jwtSecretVariable, n, identity.MinSecret)
	}
	if c.Token.TTL <= 0 && command == "token" {
		fail("--ttl %s must be positive", c.Token.TTL)
	}
	if c.JWTIssuer == "" || c.JWTAudience == "" {
		fail("--jwt-issuer and --jwt-audience must not be empty: any issuer's tokens would be taken")
	}
	if c.Dynamodb != "" {
		if err := dynamostore.CheckAddress(c.Dynamodb); err != nil {
			fail("--dynamodb %w", err)
		}
	}
	if strings.HasPrefix(command, "tables ") {
		if c.Dynamodb == "" {
			fail("%s needs --dynamodb (or REGIE_DYNAMODB)", command)
		}
		var err error
		if c.capacity, err = dynamostore.ParseCapacity(c.Tables.Apply.Capacity); err != nil {
			fail("--dynamodb-capacity %w", err)
		}
	}
	if command != "run" {
		return errs
	}
	var err error
	if c.traces, err = telemetry.Protocol(func(name string) string { v, _ := getenv(env, name); return v }); err != nil {
		errs = append(errs, err)
	}
	if c.JWKS != "" && !identity.IsURL(c.JWKS) {
		if err := identity.CheckJWKS(c.JWKS); err != nil {
			fail("--jwks: %w", err)
		}
	}
	for _, r := range c.Run.Role {
		if !slices.Contains(roles, r) {
			fail("--role %q is none of %s", r, strings.Join(roles, ", "))
		}
	}
	if c.DemoOpens != nil && *c.DemoOpens < 0 {
		fail("--demo-opens %s must not be negative", *c.DemoOpens)
	}
	if c.Drain != nil && *c.Drain < 0 {
		fail("--drain %s must not be negative", *c.Drain)
	}
	if c.embedded = c.Kafka == "" && c.Redis == "" && c.Mongodb == "" && c.Dynamodb == "" && len(c.Run.Role) == 0; c.embedded {
		c.Run.Role = roles
		c.Instance = "embedded"
		return errs
	}
	if c.DemoTraffic != nil && *c.DemoTraffic {
		fail("--demo-traffic is for the embedded default alone: nobody pretends to be a viewer on real servers")
	}
	if c.DemoOpens != nil {
		fail("--demo-opens is for the embedded default alone: the demonstration is not on real servers")
	}
	if len(c.Run.Role) == 0 {
		c.Run.Role = roles
	}
	have := map[string]string{"kafka": c.Kafka, "redis": c.Redis, "mongodb": c.Mongodb, "dynamodb": c.Dynamodb}
	for _, r := range c.Run.Role {
		for _, n := range needed[r] {
			if have[n] == "" {
				fail("the role %s needs --%s (or REGIE_%s)", r, n, strings.ToUpper(n))
			}
		}
	}
	for _, r := range []string{"users", "gateway"} {
		if c.has(r) && c.secret == "" {
			fail("the role %s needs --secret-file (or REGIE_SECRET), the same for all of users and gateway", r)
		}
	}
	return errs
}

// drain is how long the process answers after it was told to stop.
func (c *config) drain() time.Duration {
	switch {
	case !c.has("gateway") && !c.has("users"): // nobody is sent to it
		return 0
	case c.Drain != nil:
		return *c.Drain
	case c.embedded:
		return 0
	}
	return 3 * time.Second
}

func (c *config) has(role string) bool { return slices.Contains(c.Run.Role, role) }

// needs tells whether one of the roles needs a server.
func (c *config) needs(server string) bool {
	return slices.ContainsFunc(c.Run.Role, func(role string) bool { return slices.Contains(needed[role], server) })
}

// tokenSecret is what signs development tokens: the environment's, or the embedded default's.
func (c *config) tokenSecret() (string, error) {
	if c.jwtSecret != "" {
		return c.jwtSecret, nil
	}
	if c.JWKS != "" {
		return "", fmt.Errorf("tokens are verified by the keys of --jwks: ask their issuer for one; to sign one for development, name a secret with --jwt-secret-file (or %s)", jwtSecretVariable)
	}
	b, err := os.ReadFile(filepath.Join(c.Data, embedded.TokenSecret))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("no embedded regie was started with --data %s, which makes the secret: start one, or name a secret with --jwt-secret-file (or %s)", c.Data, jwtSecretVariable)
	}
	return string(b), err
}

// pretends tells whether there are pretend viewers.
func (c *config) pretends() bool { return c.embedded && (c.DemoTraffic == nil || *c.DemoTraffic) }

// opens is how long after the start the demonstration opens what does, or 0.
func (c *config) opens() time.Duration {
	if c.DemoOpens != nil {
		return *c.DemoOpens
	}
	return time.Minute
}

// playground tells whether GraphiQL is served and the schema may be read.
func (c *config) playground() bool {
	if c.GraphiQL != nil {
		return *c.GraphiQL
	}
	return c.embedded
}

// properties reads a file of name=value lines.
func properties(file string) (map[string]string, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening Kafka's properties: %w", err)
	}
	defer func() { _ = f.Close() }()
	m := map[string]string{}
	n := 0
	for s := bufio.NewScanner(f); s.Scan(); {
		n++
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%s line %d is no name=value", file, n)
		}
		m[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return m, nil
}

func (c *config) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		panic(err) // kong has checked it
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return telemetry.Log(slog.New(slog.NewJSONHandler(w, o)))
	}
	return telemetry.Log(slog.New(slog.NewTextHandler(w, o)))
}
