package servertest

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Process is this test's binary once more: by its environment, TestMain makes it what is to be killed.
type Process struct {
	Done <-chan struct{} // closed when it has ended
	cmd  *exec.Cmd
	mu   sync.Mutex
	said []string
}

// Spawn starts one, which ends with the test. hear, unless it is nil, gets each line that it writes.
func Spawn(t testing.TB, name string, hear func(line string), env ...string) *Process {
	t.Helper()
	done := make(chan struct{})
	p := &Process{Done: done, cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), env...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		for r := bufio.NewReader(out); err == nil; {
			var line string
			if line, err = r.ReadString('\n'); line != "" {
				p.hear(strings.TrimSuffix(line, "\n"), hear)
			}
		}
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		if t.Failed() {
			p.Signal(syscall.SIGCONT)
			p.Signal(syscall.SIGQUIT) // it says what it is at
			select {
			case <-done:
			case <-time.After(10 * time.Second):
			}
		}
		p.Kill()
		if t.Failed() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Logf("%s said:\n%s", name, strings.Join(p.said[max(0, len(p.said)-400):], "\n"))
		}
	})
	return p
}

func (p *Process) hear(line string, also func(string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, line)
	if also != nil {
		also(line)
	}
}

// Pid is the kernel's name for it.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Signal sends it s; to one that has ended, nothing.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Kill is kill -9, and returns when it has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Done
}

// Ended tells whether it has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.Done:
		return true
	default:
		return false
	}
}

// Lacks tells that it has not said something; "" when it has.
func (p *Process) Lacks(text string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.said {
		if strings.Contains(line, text) {
			return ""
		}
	}
	return "it does not say " + text
}

// Says waits for that.
func (p *Process) Says(t testing.TB, text string) {
	t.Helper()
	Await(t, func() string { return p.Lacks(text) })
}
