package cms

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// creditsOf are a programme's credits as role and title of the person.
func creditsOf(t testing.TB, s *shelf, id string) (credits []string) {
	t.Helper()
	for _, c := range checkDocument(t, "programme", s.docs["programme"][id]).Credits {
		role := map[string]string{"DIRECTOR": "D ", "ACTOR": "A "}[c.Role]
		credits = append(credits, role+lookup(s.docs["person"][c.Person], "title"))
	}
	return credits
}

func TestTitlesCredits(t *testing.T) {
	long := strings.Repeat("x", 400)
	thousand := make([]string, 1000)
	var acted []string
	for i := range thousand {
		thousand[i] = fmt.Sprintf("Actor Number %d", i)
		acted = append(acted, "A "+thousand[i])
	}
	many := make([]string, maxCredits)
	for i := range many {
		many[i] = fmt.Sprintf("n%d", i)
	}
	tests := []struct {
		name, file string
		want       []string // of s1
		people     int
		errors     []string
	}{
		{"neither column", "show_id,type,title\ns1,Movie,A\n", nil, 0, nil},
		{"no director", "show_id,type,title,cast\ns1,Movie,A,\"Ada, Bob\"\n", []string{"A Ada", "A Bob"}, 2, nil},
		{"no cast", "show_id,type,title,director\ns1,Movie,A,\"Ada, Bob\"\n", []string{"D Ada", "D Bob"}, 2, nil},
		{"empty fields", "show_id,type,title,director,cast\ns1,Movie,A,,\n", nil, 0, nil},
		{"directors before the cast, each in the file's order", "show_id,type,title,cast,director\ns1,Movie,A,\"Zoe, Ada\",\"Yan, Bob\"\n",
			[]string{"D Yan", "D Bob", "A Zoe", "A Ada"}, 4, nil},
		{"one person as director and actor", "show_id,type,title,director,cast\ns1,Movie,A,Ada,\"Bob, Ada\"\n", []string{"D Ada", "A Bob", "A Ada"}, 2, nil},
		{"a name twice in a cast", "show_id,type,title,cast\ns1,Movie,A,\"Ada, Bob,Ada , Ada\"\n", []string{"A Ada", "A Bob"}, 2, nil},
		{"names that differ in capitals or accents only", "show_id,type,title,cast\ns1,Movie,A,\"Zoe, ZOE, Zoé, zoe, Žoe\"\n",
			[]string{"A Zoe", "A ZOE", "A Zoé", "A zoe", "A Žoe"}, 5, nil},
		{"an accent that is composed in one name and not in the other", "show_id,type,title,cast\ns1,Movie,A,\"Zo\u00e9, Zoe\u0301\"\n", []string{"A Zoé"}, 1, nil},
		{"spaces and what is invisible", "show_id,type,title,cast\ns1,Movie,A,\"\u200bAda  \u00a0B\u200b, ,, \u200b ,\ufeff,Ada B\u200b,\u2060Ada\tB\u00ad,Ada\u200d B\"\n", []string{"A Ada B"}, 1, nil},
		{"joiners where a script needs them", "show_id,type,title,cast\ns1,Movie,A,\"می\u200cخواهم,می\u200cخواهم\u200c\"\n", []string{"A می\u200cخواهم"}, 1, nil},
		{"a name on each line", "show_id,type,title,cast\r\ns1,Movie,A,\"Ada\r\nBob,\r\nCid\"\r\n", []string{"A Ada", "A Bob", "A Cid"}, 3, nil},
		{"quotes in names", "show_id,type,title,cast\ns1,Movie,A,\"Bob \"\"B\"\" Sample, Łu \"\"Lo” Sample\"\n", []string{`A Bob "B" Sample`, `A Łu "Lo” Sample`}, 2, nil},
		{"semicolons", "show_id;type;title;director;cast\ns1;Movie;A;Ada;Bob, Cid\n", []string{"D Ada", "A Bob", "A Cid"}, 3, nil},
		{"tabs, a byte order mark and Windows line ends", "\xef\xbb\xbfshow_id\ttype\ttitle\tdirector\tcast\r\ns1\tMovie\tA\tAda\tBob, Cid\r\n", []string{"D Ada", "A Bob", "A Cid"}, 3, nil},
		{"every script", "show_id,type,title,cast\ns1,Movie,A,\"海, Ада, أدا, अदा\"\n", []string{"A 海", "A Ада", "A أدا", "A अदा"}, 4, nil},
		{"a thousand names", "show_id,type,title,cast\ns1,Movie,A,\"" + strings.Join(thousand, ", ") + "\"\n", acted, 1000, nil},
		{"a name of 300 characters", "show_id,type,title,cast\ns1,Movie,A," + long[:300] + "\n", []string{"A " + long[:300]}, 1, nil},
		{"a name of 400 characters: nobody of the row is made", "show_id,type,title,director,cast\ns2,Movie,B,Ada,\"Bob, " + long + "\"\ns1,Movie,A,Cid,Dora\n",
			[]string{"D Cid", "A Dora"}, 2, []string{"line 2: cast: has a name of 400 characters, at most 300 are allowed"}},
		{"an over-long director and other faults", "show_id,type,title,director,cast\ns1,Play,A," + long + ",Bob\n",
			nil, 0, []string{`line 2: type "Play": is neither Movie nor TV Show; director: has a name of 400 characters, at most 300 are allowed`}},
		{"more names than a programme may credit", "show_id,type,title,director,cast\ns1,Movie,A,Ada,\"" + strings.Join(many, ",") + "\"\n",
			nil, 0, []string{"line 2: cast: makes 10001 credits with those of director, at most 10000 are allowed"}},
		{"a rating in the duration's column besides", "show_id,type,title,cast,duration\ns1,Movie,A,Ada,TV-MA\n", []string{"A Ada"}, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t)
			r := importTitles(t, s, tt.file)
			if s.docs["programme"]["s1"] != nil {
				if diff := cmp.Diff(tt.want, creditsOf(t, s, "s1")); diff != "" {
					t.Errorf("credits differ (-want +got):\n%s", diff)
				}
			} else if tt.want != nil {
				t.Error("s1 is not there")
			}
			var errs []string
			for _, e := range r.Errors {
				errs = append(errs, e.Error())
			}
			if diff := cmp.Diff(tt.errors, errs); diff != "" {
				t.Errorf("errors differ (-want +got):\n%s", diff)
			}
			if r.People != tt.people || len(s.docs["person"]) != tt.people {
				t.Errorf("%d people are counted and %d there, want %d", r.People, len(s.docs["person"]), tt.people)
			}
			if again := importTitles(t, s, tt.file); again.Written != 0 {
				t.Errorf("the second import wrote %d documents", again.Written)
			}
		})
	}
}

func TestTitlesPeopleOfNames(t *testing.T) {
	for _, tt := range []struct{ name, want string }{ // the slug, with DIGEST for the name's digest
		{"Ada Example", "ada-example"},
		{"40 Examples", "40-examples"},
		{"L", "l"},
		{"ADA EXAMPLE", "ada-example-DIGEST"},
		{"ada example", "ada-example-DIGEST"},
		{"Ada-Example", "ada-example-DIGEST"},
		{"Ada Examplé", "ada-example-DIGEST"},
		{"Bob O'Sample", "bob-osample-DIGEST"},
		{"Jr.", "jr-DIGEST"},
		{"海", "DIGEST"},
		{"…", "DIGEST"},
		{"0123456789abcdef", "0123456789abcdef-DIGEST"},
		{"Ada 0123456789abcdef", "ada-0123456789abcdef-DIGEST"},
		{"Ada 0123456789abcdeg", "ada-0123456789abcdeg"},
		{strings.TrimSpace(strings.Repeat("Abcdefghi ", 30)), strings.TrimSuffix(strings.Repeat("abcdefghi-", 12), "-") + "-DIGEST"},
		{strings.Repeat("x", 300), strings.Repeat("x", 120) + "-DIGEST"},
	} {
		got := personOf(tt.name)
		if want := strings.ReplaceAll(tt.want, "DIGEST", lastingDigest(tt.name)); got.slug != want || got.id != "pe-"+want {
			t.Errorf("%q is %+v, want %s", tt.name, got, want)
		}
		checkDocument(t, "person", got.document())
	}
	// A name that is spelt like another's slug with its digest does not get it.
	other := personOf("海")
	if taken := personOf(spelt(other.slug)); taken.id == other.id {
		t.Errorf("two names have the id %s", taken.id)
	}
	// Ids are for ever: these stand in catalogues.
	for name, want := range map[string]string{"Ada Example": "pe-ada-example", "Zoë Exämple": "pe-zoe-example-6d0e639ae1a2e517", "海": "pe-0ac6d5192ec21d34"} {
		if got := personOf(name).id; got != want {
			t.Errorf("the id of %s has changed from %s to %s", name, want, got)
		}
	}
}

func TestTitlesPeopleDoNotDependOnOtherRows(t *testing.T) {
	rows := []string{"s1,Movie,A,Zoé,\"Ada, ADA\"\n", "s2,TV Show,B,Ada,\"Zoe, 海\"\n", "s3,Movie,C,,ada\n", "s4,Movie,D,Bob,Zoë\n"}
	const header = "show_id,type,title,director,cast\n"
	all := newShelf(t)
	importTitles(t, all, header+strings.Join(rows, ""))
	backwards := newShelf(t)
	slices.Reverse(rows)
	importTitles(t, backwards, header+strings.Join(rows, ""))
	if diff := cmp.Diff(all.docs, backwards.docs); diff != "" {
		t.Errorf("documents depend on the order of rows (-forwards +backwards):\n%s", diff)
	}
	for _, row := range rows {
		alone := newShelf(t)
		importTitles(t, alone, header+row)
		for c, docs := range alone.docs {
			for id, d := range docs {
				if diff := cmp.Diff(all.docs[c][id], d); diff != "" {
					t.Errorf("%s %s depends on other rows (-all +alone):\n%s", c, id, diff)
				}
			}
		}
	}
}

func TestTitlesBatchesAreBoundedByBytes(t *testing.T) {
	var file strings.Builder
	file.WriteString("show_id,type,title,cast\n")
	for i := range 30 {
		fmt.Fprintf(&file, "s%d,Movie,Film %d,\"", i, i)
		for n := range 5000 {
			fmt.Fprintf(&file, "a long name of many words that is numbered %d,", n)
		}
		file.WriteString("\"\n")
	}
	s := newShelf(t) // which checks batches
	puts := 0
	s.put = func() error { puts++; return nil }
	if r := importTitles(t, s, file.String()); r.Programmes != 30 || r.People != 5000 || r.Written != made(r) {
		t.Errorf("got %+v", r)
	}
	if puts < 5000/importBatch+3 {
		t.Errorf("15 MiB of programmes are written with %d puts in all", puts)
	}
}

func FuzzPeople(f *testing.F) {
	f.Add("Ada Example", "ADA EXAMPLE")
	f.Add("海", "Zoë\u200d")
	f.Add("Deadbeefdeadbeef", "می\u200cخواهم")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = cleanName(strings.ToValidUTF8(a, "?")), cleanName(strings.ToValidUTF8(b, "?"))
		if cleanName(a) != a {
			t.Errorf("%q is clean as %q", a, cleanName(a))
		}
		if a == "" || len([]rune(a)) > maxPersonName {
			return
		}
		p := personOf(a)
		checkDocument(t, "person", p.document())
		if o := personOf(b); a != b && (o.id == p.id || o.slug == p.slug) {
			t.Errorf("%q and %q are both %s", a, b, p.id)
		}
		if taken := personOf(spelt(p.slug)); spelt(p.slug) != a && taken.id == p.id {
			t.Errorf("%q takes the id of %q", spelt(p.slug), a)
		}
	})
}
