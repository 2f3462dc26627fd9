package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"regie/internal/loopback"
)

// instance is one of a role's: a process of its own, which is started again whenever it ends.
type instance struct {
	role, name        string
	site, admin, grpc string // its addresses
	binary            string
	environment       []string
	logFile           string

	mu      sync.Mutex
	process *os.Process // nil while it is away
	// away is for how long the process that was killed is to stay so.
	away   time.Duration
	killed bool
	ended  []string // how it ended by itself
}

func newInstance(c *campaign, role, name string) (*instance, error) {
	i := &instance{role: role, name: name, binary: c.binary(), logFile: filepath.Join(c.logs, role+"-"+name+".log")}
	i.environment = append(c.environment(), "REGIE_INSTANCE="+name)
	for _, a := range []*string{&i.site, &i.admin, &i.grpc} {
		var err error
		if *a, err = loopback.FreeAddress(); err != nil {
			return nil, err
		}
	}
	return i, nil
}

func (i *instance) String() string { return i.role + " " + i.name }

// run keeps the process running until ctx is done, then stops it in order.
func (i *instance) run(ctx context.Context) error {
	log, err := os.OpenFile(i.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	for ctx.Err() == nil {
		wait, err := i.once(ctx, log)
		if err != nil {
			return err
		}
		_ = pause(ctx, wait)
	}
	return nil
}

// patience is how long a process that is asked to end may take. One that takes longer than it allows itself says so.
const patience = 90 * time.Second

// once runs the process to its end and returns when to start it again.
func (i *instance) once(ctx context.Context, log *os.File) (time.Duration, error) {
	cmd := exec.Command(i.binary, "run", "--role", i.role, "--http", i.site, "--admin", i.admin, "--grpc", i.grpc)
	cmd.Env, cmd.Stderr = i.environment, log
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("starting %s: %w", i, err)
	}
	i.mu.Lock()
	i.process, i.killed = cmd.Process, false
	i.mu.Unlock()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		return 0, i.end(cmd, ended)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.process = nil
	if i.killed {
		return i.away, nil
	}
	if ctx.Err() == nil {
		i.ended = append(i.ended, fmt.Sprintf("%v: %s", err, lastLine(i.logFile)))
	}
	return time.Second, nil // as what supervises processes does
}

// end asks the process to end, and after a while insists.
func (i *instance) end(cmd *exec.Cmd, ended <-chan error) error {
	began := time.Now()
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s, asked to stop, ended with %w: %s", i, err, lastLine(i.logFile))
		}
		fmt.Printf("  %s stopped after %.1f s\n", i, time.Since(began).Seconds())
		return nil
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		<-ended
		return fmt.Errorf("%s, asked to stop, had not after %s", i, patience)
	}
}

// kill kills the process, once there is one.
func (i *instance) kill(ctx context.Context, away time.Duration) (time.Time, error) {
	for {
		i.mu.Lock()
		if i.process != nil && !i.killed {
			i.killed, i.away = true, away
			err := i.process.Kill()
			i.mu.Unlock()
			return time.Now(), err
		}
		i.mu.Unlock()
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return time.Time{}, err
		}
	}
}

// awaitReady returns when the instance says that it is ready, and not the process before it.
func (i *instance) awaitReady(ctx context.Context) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		why := i.ready(ctx, client)
		if why == nil {
			return nil
		}
		if pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("%s is not ready: %w", i, why)
		}
	}
}

func (i *instance) ready(ctx context.Context, client *http.Client) error {
	i.mu.Lock()
	there, ended := i.process != nil && !i.killed, i.ended
	i.mu.Unlock()
	if !there && len(ended) > 0 {
		return fmt.Errorf("it ended by itself, %d times: %s", len(ended), ended[len(ended)-1])
	}
	if !there {
		return errors.New("it does not run")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.admin+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	var said bytes.Buffer
	_, _ = said.ReadFrom(res.Body)
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(said.Bytes()))
	}
	return nil
}

func lastLine(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	b = bytes.TrimSpace(b)
	return string(b[bytes.LastIndexByte(b, '\n')+1:])
}
