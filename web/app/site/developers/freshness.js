import { parts, replay } from '../../shared/dom.js'
import { follow } from '../../shared/events.js'
import { ago, amount, clock, describe } from '../../shared/format.js'
import { drawBars } from './bars.js'

const KEPT = 30

/** The panel of the last edit: how long it took from the CMS to what GraphQL answers, and the edits before it. */
export function freshness(root, { onEdit, onReconnect }) {
  const part = parts(root)
  const edits = []

  function state(name, text) {
    root.dataset.state = name
    part.state.textContent = text
  }

  function settle() {
    if (edits.length) return state('live', 'Live')
    state('waiting', 'Waiting')
    part.title.textContent = 'Waiting for the first edit'
    part.detail.textContent = 'Try the command under “Edit something and watch”'
  }

  function show(edit) {
    const { value, unit } = amount(edit.millis)
    part.number.textContent = value
    part.number.parentElement.classList.add('known')
    part.unit.textContent = unit
    part.title.textContent = edit.title || edit.id
    part.title.title = `${edit.title} (${edit.id})`
    drawBars(part.bars, edits, KEPT)
    part.summary.textContent = describe(edits)
    tick()
  }

  function tick() {
    const edit = edits.at(-1)
    if (!edit) return
    part.detail.textContent = `${edit.kind}, edited ${clock(edit.changedAt)}, visible ${clock(edit.visibleAt)}, ${ago(edit.visibleAt)}`
  }

  drawBars(part.bars, edits, KEPT)
  follow('/freshness', 'edit', {
    onOpen() {
      // What happened meanwhile is unknown, but for the last edit.
      if (root.dataset.state === 'lost') onReconnect()
      settle()
    },
    onEvent(edit) {
      const last = edits.at(-1)
      // Each connection begins with the last edit known, which after a reconnection may be the one on show.
      const known = last && last.id === edit.id && last.visibleAt === edit.visibleAt
      if (!known) {
        edits.push(edit)
        if (edits.length > KEPT) edits.shift()
        show(edit)
        replay(part.number.parentElement, 'fresh')
        onEdit(edit)
      }
      settle()
    },
    onLost: () => state('lost', edits.length ? 'Disconnected, trying again' : 'Disconnected'),
  })
  setInterval(tick, 1000)
}
