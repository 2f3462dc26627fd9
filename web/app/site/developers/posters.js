import { endpoint } from '../../shared/screens.js'
import { post } from '../../shared/query.js'
import { el, parts, replay } from '../../shared/dom.js'

const QUERY = `query Posters {
  programmes(first: 12) {
    edges {
      node {
        id slug title revision
        image(role: PORTRAIT) { url alt }
        videos(first: 1) { edges { node { slug } } }
      }
    }
  }
}`

// Edits can come by the hundred (an import): the first is shown at once, the others when there is time.
const PAUSE = 400

/** The strip of the latest programmes, read again at each edit; the ones whose revision changed light up. */
export function posters(root, { onChoose, onLoad }) {
  const part = parts(root)
  const cards = new Map()
  let screen, running, again, chosen

  async function load() {
    const asked = screen
    const { body, status } = await post(asked, { query: QUERY })
    // The screen was switched meanwhile: its own answer is coming.
    if (asked !== screen) return
    if (!body.data?.programmes) throw new Error(body.errors?.[0]?.message ?? `The API answered ${status}.`)
    render(body.data.programmes.edges.map(({ node }) => node).filter(Boolean))
  }

  async function refresh() {
    if (running) {
      again = true
      return
    }
    running = true
    try {
      await load()
    } catch (error) {
      // Posters that are there stay: they are still the last that was known.
      if (!cards.size) empty(error.message)
    }
    setTimeout(() => {
      running = false
      if (again) {
        again = false
        refresh()
      }
    }, PAUSE)
  }

  function empty(message) {
    part.empty.textContent = message
    part.empty.hidden = !message
    part.posters.hidden = Boolean(message)
  }

  function render(programmes) {
    empty(programmes.length ? '' : 'The catalogue is empty for now. Programmes show up here as they are imported.')
    const first = cards.size === 0
    const gone = new Set(cards.keys())
    programmes.forEach((programme, at) => {
      gone.delete(programme.id)
      const known = cards.get(programme.id)
      const card = known ?? newCard()
      const changed = card.programme?.revision !== programme.revision
      cards.set(programme.id, card)
      card.update(programme)
      if (part.posters.children[at] !== card.item) part.posters.insertBefore(card.item, part.posters.children[at] ?? null)
      if (changed && !first) replay(card.item, 'changed')
    })
    for (const id of gone) {
      cards.get(id).item.remove()
      cards.delete(id)
    }
    onLoad(programmes)
  }

  function newCard() {
    const letter = el('b', { ariaHidden: 'true' })
    const image = el('img', { decoding: 'async', draggable: false, onerror: () => (image.hidden = true), onload: () => (image.hidden = false) })
    const name = el('span', { className: 'name' })
    const slug = el('span', { className: 'slug' })
    const button = el('button', { type: 'button', ariaPressed: 'false' }, el('span', { className: 'poster' }, letter, image), name, slug)
    const card = { item: el('li', {}, button) }
    button.addEventListener('click', () => {
      if (chosen) chosen.ariaPressed = 'false'
      chosen = button
      button.ariaPressed = 'true'
      onChoose(card.programme)
    })
    card.update = (programme) => {
      const { url = '', alt = '' } = programme.image ?? {}
      card.programme = programme
      name.textContent = programme.title
      slug.textContent = programme.slug
      letter.textContent = [...programme.title][0] ?? ''
      // The title follows at once: an alternative text equal to it would only be said twice.
      image.alt = alt === programme.title ? '' : alt
      if (image.getAttribute('src') !== url) {
        image.hidden = true
        url ? (image.src = url) : image.removeAttribute('src')
      }
    }
    return card
  }

  return {
    refresh,
    show(next) {
      screen = next
      for (const { item } of cards.values()) item.remove()
      cards.clear()
      root.querySelector('[data-screen-endpoint]').textContent = endpoint(screen)
      refresh()
    },
  }
}
