// Command gotest runs `go test -json` and says what came of it: a line per package, the
// whole output of what failed, of what passed the attributes alone (testing.T.Attr: what it
// measured), and at the end
//
//	41 passed, 1 failed
//
// where a test with subtests is not counted beside them. It fails if anything does; with
// TEST_NOSKIP set a skipped test is a failed one, so that CI cannot pass by testing less.
//
//	gotest DIR [GO TEST'S ARGUMENTS]
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gotest DIR [GO TEST'S ARGUMENTS]")
		os.Exit(2)
	}
	ok, err := run(os.Args[1], os.Args[2:], os.Getenv("TEST_NOSKIP") != "")
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(dir string, args []string, noskip bool) (bool, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	// A shell that has the stack's addresses also has the program's settings, and the
	// tests mean to see the program as it comes.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "REGIE_") })
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	sum := summary{w: os.Stdout, noskip: noskip, packages: map[string]*pkg{}}
	readErr := sum.read(out)
	waitErr := cmd.Wait()
	if readErr != nil {
		return false, fmt.Errorf("reading go test's output: %w", readErr)
	}
	// go test can also fail before there is any test, at a wrong flag for example.
	if waitErr != nil && sum.failed == 0 {
		sum.failed = 1
	}
	if sum.noskips > 0 {
		fmt.Fprintf(sum.w, "TEST_NOSKIP is set: %d skipped count as failed\n", sum.noskips)
	}
	fmt.Fprintf(sum.w, "%d passed, %d failed%s\n", sum.passed, sum.failed, sum.skips())
	return sum.failed == 0, nil
}

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string // empty for what concerns the package
	Output  string
	// Of an attribute.
	Key, Value string
}

type summary struct {
	w                       io.Writer
	noskip                  bool
	packages                map[string]*pkg // those still running
	passed, failed, skipped int
	noskips                 int // of the failed, those that only skipped
}

// pkg is what is known of a package until its last event.
type pkg struct {
	tests      []string          // in the order of their starts
	result     map[string]string // of each test: "", "pass", "fail" or "skip"
	output     []event
	attributes []event
}

func (s *summary) skips() string {
	if s.skipped == 0 {
		return ""
	}
	return fmt.Sprintf(", %d skipped", s.skipped)
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(s.w, "%s", line) // not everything go test prints is an event
			} else {
				s.add(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event) {
	if e.Action == "build-output" { // of no package that was started
		fmt.Fprint(s.w, e.Output)
	}
	if e.Package == "" {
		return
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &pkg{result: map[string]string{}}
		s.packages[e.Package] = p
	}
	switch e.Action {
	case "run":
		p.tests = append(p.tests, e.Test)
	case "output":
		p.output = append(p.output, e)
	case "attr":
		p.attributes = append(p.attributes, e)
	case "pass", "fail", "skip":
		if e.Test != "" {
			p.result[e.Test] = e.Action
			return
		}
		s.finish(p, e.Action == "fail")
		delete(s.packages, e.Package)
	}
}

// finish counts a package's tests and prints what a reader wants to see of it.
func (s *summary) finish(p *pkg, failed bool) {
	show := map[string]bool{"": true} // the tests whose output is printed
	explained := false
	for _, t := range p.tests {
		result := p.result[t]
		if result == "" { // the test binary ended while it ran
			result = "fail"
		}
		show[t] = result == "fail" || result == "skip" && s.noskip
		explained = explained || show[t]
		if p.covered(t, result) {
			continue
		}
		switch {
		case show[t]:
			s.failed++
			if result == "skip" {
				s.noskips++
			}
		case result == "skip":
			s.skipped++
		default:
			s.passed++
		}
	}
	if failed && !explained { // it did not build, or failed outside its tests
		s.failed++
	}
	for _, e := range p.attributes {
		fmt.Fprintf(s.w, "%s: %s: %s\n", e.Test, e.Key, e.Value)
	}
	for _, e := range p.output {
		if show[e.Test] && e.Output != "PASS\n" && !strings.HasSuffix(e.Output, "[no test files]\n") {
			fmt.Fprint(s.w, e.Output)
		}
	}
}

// covered tells whether the subtests of t already say what its result says.
func (p *pkg) covered(t, result string) bool {
	return slices.ContainsFunc(p.tests, func(sub string) bool {
		return strings.HasPrefix(sub, t+"/") && (result != "fail" || p.result[sub] == "fail" || p.result[sub] == "")
	})
}
