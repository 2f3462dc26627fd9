import { examples } from '../../shared/examples.js'
import { post } from '../../shared/query.js'
import { endpoint, screens } from '../../shared/screens.js'
import { copy } from './copy.js'
import { el, parts } from '../../shared/dom.js'
import { size } from '../../shared/format.js'
import { showGraphQL, showJSON } from './highlight.js'

/** The example queries, run in place on the chosen screen. */
export function playground(root, { screen, onScreen }) {
  const part = parts(root)
  let example = examples[0]
  let found = {}
  let running

  const operation = () => ({ query: example.query, variables: example.variables(found) })

  function show() {
    for (const button of part.examples.children) button.ariaPressed = String(button.value === example.id)
    part.about.textContent = example.about
    showGraphQL(part.query, example.query)
    showJSON(part.variables, operation().variables)
    if (part.graphiql) {
      const { query, variables } = operation()
      part.graphiql.href = `/graphiql?${new URLSearchParams({ query, variables: JSON.stringify(variables, null, 2), screen })}`
    }
  }

  function timing(content, bad = false) {
    part.timing.replaceChildren(...content)
    part.timing.classList.toggle('bad', bad)
  }

  async function run() {
    running?.abort()
    const mine = (running = new AbortController())
    timing([`Asking ${endpoint(screen)}`])
    try {
      const { status, millis, bytes, body } = await post(screen, operation(), { signal: mine.signal })
      const errors = body.errors?.length ?? 0
      const facts = [el('strong', { textContent: `${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms` })]
      facts.push(el('span', { textContent: `${size(bytes)} from ${endpoint(screen)}` }))
      if (status !== 200) facts.push(el('span', { textContent: `HTTP ${status}` }))
      if (errors) facts.push(el('span', { textContent: errors === 1 ? 'one error' : `${errors} errors` }))
      timing(facts, errors > 0 || status !== 200)
      showJSON(part.result, body)
    } catch (error) {
      if (mine.signal.aborted) return
      part.result.replaceChildren()
      timing([error.message], true)
    }
  }

  function curl() {
    // A single quote cannot be escaped within single quotes: it ends them, comes escaped, and opens them again.
    const body = JSON.stringify(operation()).replaceAll("'", "'\\''")
    return `curl -s ${location.origin}${endpoint(screen)} -H 'content-type: application/json' -d '${body}'`
  }

  for (const { id, title } of examples) {
    part.examples.append(el('button', { type: 'button', value: id, textContent: title }))
  }
  part.examples.addEventListener('click', ({ target }) => {
    const picked = examples.find(({ id }) => id === target.value)
    if (!picked) return
    example = picked
    show()
    run()
  })
  for (const { id, label } of screens) {
    part.screens.append(el('label', {}, el('input', { type: 'radio', name: 'screen', value: id, checked: id === screen }), label))
  }
  part.screens.addEventListener('change', ({ target }) => {
    screen = target.value
    onScreen(screen)
    show()
    run()
  })
  part.run.addEventListener('click', run)
  part.curl.addEventListener('click', () => copy(curl(), part.curl))
  show()

  return {
    /** Puts a programme, and a video of it, into the examples' variables. */
    use(sample) {
      found = sample
      show()
      run()
    },
  }
}
