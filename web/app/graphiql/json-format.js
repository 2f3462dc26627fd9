import { applyEdits, format } from 'jsonc-parser'

// A Prettier plugin for JSON with comments, which stands in for Prettier's own two: those bring all of JavaScript's
// grammar (half a megabyte) to indent the variables. vite.config.js puts it in their place.
export const parsers = {
  jsonc: {
    astFormat: 'formatted-jsonc',
    parse: (text) => ({ type: 'json', text }),
    locStart: () => 0,
    locEnd: ({ text }) => text.length,
  },
}

export const printers = {
  'formatted-jsonc': {
    print({ node: { text } }) {
      return applyEdits(text, format(text, undefined, { tabSize: 2, insertSpaces: true, eol: '\n' }))
    },
  },
}
