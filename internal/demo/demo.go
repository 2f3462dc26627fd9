// Package demo is the catalogue Regie shows before anybody has imported their own: five channels, their programmes and
// a thousand videos, written by hand in catalogue/ and drawn posters to go with them.
//
// Everything is fictional. The texts are YAML (README.md says how to edit them); the posters are Go code that draws SVG
// from what the YAML asks for. Nothing here reads a clock or the network, so two builds of the same tree show the same.
package demo

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Document is one document as the CMS stores it.
type Document struct {
	// Collection is "channel", "person", "programme", "video" or "page".
	Collection string
	Doc        bson.D
}

// Documents yields every CMS document of the demonstration catalogue: channels, then people, programmes, videos and pages,
// so that few references lead to what comes later; the same bytes in the same order at each call. A programme's videos follow one another, in the order they were
// written. The error names the file and the line an editor has to mend.
func Documents() ([]Document, error) {
	cat, err := load(files)
	if err != nil {
		return nil, err
	}

	docs := make([]Document, 0, 1500)
	for _, ch := range cat.channels {
		docs = append(docs, Document{"channel", channelDoc(ch)})
	}
	for _, pe := range cat.people {
		docs = append(docs, Document{"person", personDoc(pe)})
	}
	for _, p := range cat.programmes {
		docs = append(docs, Document{"programme", programmeDoc(p)})
	}
	for _, p := range cat.programmes {
		for _, v := range p.videos {
			docs = append(docs, Document{"video", videoDoc(p, v)})
		}
	}
	for _, pg := range cat.pages {
		docs = append(docs, Document{"page", pageDoc(pg)})
	}
	return docs, nil
}
