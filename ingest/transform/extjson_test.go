package transform_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"regie/ingest/transform"
)

// canonical are values that are read without the driver, others those that are not, whether right or wrong.
var (
	canonical = []string{
		`{}`,
		`{"a":""}`,
		`{"a":{},"b":[],"c":[[],{}],"a":null}`,
		`{"":{"":[true,false,null]}}`,
		`{"é🚋":"é🚋"}`,
		`{"a":"\"\\\/\b\f\n\r\t\u00e9\u0000\u003c\uffff"}`,
		"{\"a\":\"\xff\x7f\"}",
		`{"a":[{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5"},{"$oid":"5FBBD1B2E4B0F0A1C2D3E4F5"}]}`,
		`{"a":[{"$date":{"$numberLong":"-9223372036854775808"}},{"$date":{"$numberLong":"0"}}]}`,
		`{"a":[{"$numberInt":"-2147483648"},{"$numberInt":"+7"},{"$numberInt":"007"}]}`,
		`{"a":[{"$numberLong":"9223372036854775807"},{"$numberLong":"-1"}]}`,
		`{"a":[{"$numberDouble":"-0.0"},{"$numberDouble":"1e300"},{"$numberDouble":"5e-324"},{"$numberDouble":"1.0"}]}`,
		`{"a":[` + strings.Repeat("null,", 1000) + `null]}`,
		strings.Repeat(`{"a":`, 99) + `{}` + strings.Repeat(`}`, 99),
	}
	others = []string{
		``, ` `, `{`, `[]`, `7`, `"a"`, `null`, `{} `, ` {}`, `{}{}`, `{"a":1}`, `{"a":}`, `{"a"}`, `{"a":"b"`, `{"a":"b"]`, `{"a":"b",}`, `{,}`, `{"a":"b""c":"d"}`,
		`{"a":[1]}`, `{"a":[,]}`, `{"a":[null,]}`, `{"a":[null}`, `{"a":nul}`, `{"a":"`, `{"a":"\`, `{"a":"\u12"}`, `{"a":"\u+123"}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", "{\"a\n\":\"\"}",
		`{"a":"\ud83d\ude8b"}`, `{"a":"\ud83d"}`, `{"\u0061":null}`, `{"$a":null}`, `{"a":{"$a":null}}`, `{"a":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f"}}`, `{"a":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4fg"}}`,
		`{"a":{"$oid":"5fbbd1b2e4b0f0a1c2d3e4f5","b":null}}`, `{"a":{"$date":"2021-01-01T00:00:00Z"}}`, `{"a":{"$date":{"$numberLong":"1"}}`, `{"a":{"$date":{"$numberLong":""}}}`,
		`{"a":{"$numberInt":"2147483648"}}`, `{"a":{"$numberInt":7}}`, `{"a":{"$numberLong":"1.5"}}`, `{"a":{"$numberDouble":"NaN"}}`, `{"a":{"$numberDouble":"-Infinity"}}`, `{"a":{"$numberDouble":"1e999"}}`,
		`{"a":{"$numberDecimal":"1"}}`, `{"a":{"$binary":{"base64":"","subType":"00"}}}`, `{"a":{"$numberInt":"` + strings.Repeat("0", 1000) + `"}}`,
		strings.Repeat(`{"a":`, 100) + `{}` + strings.Repeat(`}`, 100), strings.Repeat(`{"a":`, 1_000_000), `{"a":` + strings.Repeat(`[`, 1_000_000),
	}
)

func TestDecodeCanonical(t *testing.T) {
	for _, value := range canonical {
		if _, ok := transform.DecodeCanonical([]byte(value)); !ok {
			t.Errorf("%.100s is left to the driver", value)
		}
		asTheDriver(t, []byte(value))
	}
	for _, value := range others {
		if raw, ok := transform.DecodeCanonical([]byte(value)); ok {
			t.Errorf("%.100s is read as %s", value, raw)
		}
	}
}

// asTheDriver checks that what is read without the driver is JSON, and the driver's bytes.
func asTheDriver(t *testing.T, value []byte) {
	t.Helper()
	got, ok := transform.DecodeCanonical(value)
	if !ok {
		return
	}
	if !json.Valid(value) {
		t.Fatalf("%.1000q is read, but not JSON", value)
	}
	var want bson.Raw
	if err := bson.UnmarshalExtJSON(value, false, &want); err != nil {
		t.Fatalf("%.1000q is read, but the driver says %v", value, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%.1000q is read as\n%x, by the driver as\n%x", value, got, want)
	}
	if err := got.Validate(); err != nil {
		t.Fatalf("%.1000q is read as %x: %v", value, got, err)
	}
}

func FuzzDecodeCanonical(f *testing.F) {
	for _, value := range append(canonical, others...) {
		if len(value) < 5000 {
			f.Add([]byte(value))
		}
	}
	inputs, err := filepath.Glob(filepath.Join("testdata", "*", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, in := range inputs {
		value, err := os.ReadFile(in)
		if err != nil {
			f.Fatal(err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, value); err != nil {
			f.Fatal(err)
		}
		f.Add(compact.Bytes())
	}
	f.Fuzz(asTheDriver)
}
