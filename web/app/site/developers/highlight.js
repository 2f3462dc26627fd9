import { el } from '../../shared/dom.js'

const JSON_TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const GRAPHQL_TOKEN = /\b(query|fragment|on)\b|(\$\w+)|\b([A-Z]\w*)\b|\b(\d+)\b/g

/** Shows JSON text with its keys, strings and values told apart. */
export function showJSON(target, value) {
  const text = JSON.stringify(value, null, 2)
  paint(target, text, JSON_TOKEN, ([, string, colon]) => {
    if (colon) return 'tok-key'
    return string ? 'tok-string' : 'tok-value'
  })
}

/** Shows a GraphQL document; enough of its grammar for the examples. */
export function showGraphQL(target, text) {
  paint(target, text, GRAPHQL_TOKEN, ([, word, variable, type]) => {
    if (word) return 'tok-word'
    if (variable) return 'tok-value'
    return type ? 'tok-key' : 'tok-string'
  })
}

function paint(target, text, pattern, classify) {
  const out = document.createDocumentFragment()
  let from = 0
  for (const match of text.matchAll(pattern)) {
    // A key's colon is matched to know it from a string, and is not part of it.
    const token = match[1] ?? match[0]
    out.append(text.slice(from, match.index), el('span', { className: classify(match), textContent: token }))
    from = match.index + token.length
  }
  out.append(text.slice(from))
  target.replaceChildren(out)
}
