package users

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"regie/internal/catalog"
)

const (
	// ImportPath is where a process that has the role users takes rows, on its admin address.
	ImportPath = "/users/import"
	// MaxRow bounds a row, in bytes.
	MaxRow  = 16 << 10
	maxBody = MaxRows * (MaxRow + 1)
)

// ImportHandler takes rows by POST, a line each, and answers with what is wrong with them. 503 says to send them again, as
// it does while the process is not ready: what its catalogue lacks then is no fault of the rows'.
func ImportHandler(s *Service, ready func(context.Context) error, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+ImportPath, func(w http.ResponseWriter, r *http.Request) {
		var lines [][]byte
		scanner := bufio.NewScanner(http.MaxBytesReader(w, r.Body, maxBody))
		scanner.Buffer(nil, MaxRow+2)
		for scanner.Scan() {
			lines = append(lines, bytes.Clone(scanner.Bytes()))
		}
		err := scanner.Err()
		if err != nil {
			err = invalid("reading rows: %v", err)
		} else if waits := ready(r.Context()); waits != nil {
			err = fmt.Errorf("%w: %w", ErrUnavailable, waits)
		}
		answer := imported{}
		if err == nil {
			answer.Problems, err = s.Import(r.Context(), lines)
		}
		code := http.StatusOK
		switch {
		case err == nil:
		case status.Code(err) == codes.InvalidArgument:
			code = http.StatusBadRequest
		case errors.Is(err, ErrUnavailable), errors.Is(err, ErrUnwritten), errors.Is(err, catalog.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
			code = http.StatusServiceUnavailable
			log.Warn("importing rows must wait", "error", err)
		default:
			code = http.StatusInternalServerError
			log.Error("importing rows failed", "error", err)
		}
		if err != nil {
			answer.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(answer)
	})
	return mux
}

type imported struct {
	Problems []RowProblem `json:"problems,omitempty"`
	Error    string       `json:"error,omitempty"`
}

// RemoteImport has another process import rows, by its admin address.
type RemoteImport struct {
	address string
	client  *http.Client
}

// NewRemoteImport does no I/O. The address is host:port.
func NewRemoteImport(address string) *RemoteImport {
	return &RemoteImport{address: address, client: &http.Client{Timeout: time.Minute}}
}

// Import is the other process's Service.Import. It returns ErrUnavailable when the rows may be sent again.
func (r *RemoteImport) Import(ctx context.Context, lines [][]byte) ([]RowProblem, error) {
	body := append(bytes.Join(lines, []byte("\n")), '\n')
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.address+ImportPath, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", r.address, err)
	}
	res, err := r.client.Do(req)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w: no regie answers at %s: start one with `go run .`, or name with --admin one that has the role users", ErrUnavailable, r.address)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer imported
	err = json.NewDecoder(res.Body).Decode(&answer)
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusMethodNotAllowed:
		return nil, fmt.Errorf("the regie at %s has not the role users: name with --admin one that has", r.address)
	case res.StatusCode == http.StatusServiceUnavailable:
		return nil, fmt.Errorf("%w: %s", ErrUnavailable, answer.Error)
	case err != nil || res.StatusCode != http.StatusOK && answer.Error == "":
		return nil, fmt.Errorf("asking %s: the answer is %s: is this a regie?", r.address, res.Status)
	case answer.Error != "":
		return nil, errors.New(answer.Error)
	}
	return answer.Problems, nil
}
