import { pick } from '../../shared/examples.js'
import { savedScreen, saveScreen } from '../../shared/screens.js'
import { wireCopyButtons } from './copy.js'
import { freshness } from './freshness.js'
import { playground } from './playground.js'
import { posters } from './posters.js'

// The panels know nothing of one another: what one does to another goes through here.
const panel = (id) => document.getElementById(id)
const cli = panel('cli')
let found = false

function use(sample) {
  if (!sample.programme) return
  found = true
  cli.textContent = `go run . cms set programme ${sample.programme.slug} title='A new title'`
  queries.use(sample)
}

const queries = playground(panel('queries'), {
  screen: savedScreen(),
  onScreen(screen) {
    saveScreen(screen)
    strip.show(screen)
  },
})

const strip = posters(panel('programmes'), {
  onChoose: (programme) => use(pick([programme])),
  // Until the visitor chooses one, and as soon as there are some: the catalogue may still be being imported.
  onLoad: (programmes) => found || use(pick(programmes)),
})

freshness(panel('freshness'), { onEdit: strip.refresh, onReconnect: strip.refresh })
wireCopyButtons(document)
strip.show(savedScreen())
