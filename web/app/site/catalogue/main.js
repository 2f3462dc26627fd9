import { follow } from '../../shared/events.js'
import { amount } from '../../shared/format.js'
import { post } from '../../shared/query.js'
import { HOME_TERRITORY, saveScreen } from '../../shared/screens.js'
import { controls } from './controls.js'
import { createEditor } from './editor.js'
import { arrowKeys } from './keys.js'
import { lamp } from './lamp.js'
import { patch } from './patch.js'
import { createPlayer } from './player.js'
import { address, route } from './route.js'
import { createSession } from './session.js'
import { createViewer } from './viewer.js'
import { failed, lost, skeleton, views } from './views.js'
import { country } from './words.js'

const PAGE = 24
const LONGEST = 100
// Edits can come by the hundred (an import): the first is shown at once, the others when there is time.
const PAUSE = 250
const RETRY = [500, 1000, 2000, 5000]
// What the clock and the viewers change no edit tells of: it shows within this time. What follows from an edit, such as a
// programme's sections, comes soon after it.
const AGAIN = 5000
const SOON = 400
const KEPT = 30

const main = document.getElementById('main')
const trouble = document.getElementById('trouble')
const arrival = document.getElementById('arrival')
const word = document.getElementById('word')

// What is known of an address: { data, lists, y }. The back button shows it at once and asks again.
const known = new Map()
let here, state, asking
let failures = 0
let retry, alarm
let wait = AGAIN

const href = (path) => address(path, { screen: here.screen, territory: here.territory })

class Unanswered extends Error {}

// Answers that lack something.
const holes = new WeakSet()

/** Asks in the name of the screen and territory of the address. Resolves to data, which may have holes. */
async function ask(query, variables, signal) {
  let answer
  try {
    answer = await post(here.screen, { query, variables }, { signal, territory: here.territory })
  } catch (error) {
    throw signal?.aborted ? error : new Unanswered(error.message)
  }
  const { status, body } = answer
  if (body.data) {
    if (body.errors) holes.add(body.data)
    return body.data
  }
  const message = body.errors?.[0]?.message ?? `The API answered ${status}.`
  // What the API refuses it will refuse again; what failed may work the next time.
  throw status >= 400 && status < 500 ? new Error(message) : new Unanswered(message)
}

const context = {
  href,
  get route() {
    return here
  },
  /**
   * A list that can be read on: { nodes, hasMore, more }. `restart` is for a first page that came from another list,
   * whose cursors are not this one's; `longest` is how much of it may be asked at once.
   */
  list(name, first, { query, variables, pick, restart, longest = LONGEST }) {
    const own = state
    const read = own.lists[name]
    const { edges, pageInfo } = read ?? first
    const next = async (count, after) => pick(await ask(query, { ...variables, first: count, after }))
    if (read) read.next = next
    return {
      nodes: edges.map(({ node }) => node).filter(Boolean),
      hasMore: pageInfo.hasNextPage,
      more: async ({ target }) => {
        target.disabled = true
        try {
          const again = !read && restart
          const page = await next(again ? edges.length + PAGE : PAGE, again ? null : pageInfo.endCursor)
          if (!page) return
          own.lists[name] = { edges: again ? page.edges : [...edges, ...page.edges], pageInfo: page.pageInfo, next, longest }
        } catch (error) {
          say(error.message)
        } finally {
          target.disabled = false
        }
        if (own !== state) return
        const before = target.closest('section, details')?.querySelectorAll('li').length
        const group = target.closest('section, details')
        draw()
        // The button has the focus until there is no more to come: then what came first has it.
        if (!target.isConnected) group?.querySelectorAll('li')[before]?.querySelector('a')?.focus()
      },
    }
  },
}

/** A list that was read on is asked again as far as one page reaches; what lies beyond stays as it was. */
async function again(list) {
  const length = list.edges.length
  const page = await list.next(Math.min(Math.max(length, 1), list.longest), null)
  if (!page) return
  if (length <= list.longest) Object.assign(list, page)
  else list.edges = [...page.edges, ...list.edges.slice(list.longest)]
}

function draw(changed) {
  viewer?.begin()
  const view = views[here.view]
  const entity = state.data && view?.entity(state.data)
  let tree, title
  if (entity) [tree, title] = [view.render(state.data, context), view.title(state.data)]
  else if (state.data || !view) [tree, title] = [lost(context), 'Nothing here']
  else if (state.error) [tree, title] = [failed(state.error.message, state.error instanceof Unanswered), 'No answer']
  else [tree, title] = [skeleton(), null]
  patch(main, tree.filter(Boolean), changed)
  player.drawn()
  viewer?.drawn()
  main.ariaBusy = String(!state.data && !state.error && Boolean(view))
  document.title = title ? `${title} · Regie` : 'Regie'
  robots(Boolean(entity))
  if (entity?.path && entity.path !== location.pathname) {
    // The address was a former one.
    known.delete(here.key)
    const present = address(entity.path, here)
    here = { ...here, ...route(new URL(present, location)), path: entity.path, key: present }
    known.set(here.key, state)
    history.replaceState(history.state, '', present + location.hash)
  }
}

/** An address that shows nothing was answered 200 all the same: search engines are told here. */
function robots(found) {
  const tag = document.head.querySelector('meta[name=robots]')
  if (found) tag?.remove()
  else if (!tag && state.data) document.head.append(Object.assign(document.createElement('meta'), { name: 'robots', content: 'noindex' }))
}

/** Asks for what the address shows, and shows it. With an edit, or {} for what changes without one, what is new lights up. */
async function load(edit) {
  const view = views[here.view]
  if (!view) return draw()
  later(edit?.id && SOON)
  const own = state
  const began = performance.now()
  asking?.abort()
  const { signal } = (asking = new AbortController())
  try {
    const lists = Object.values(own.lists).map((list) => again(list).catch(() => {}))
    const [data] = await Promise.all([ask(view.query, view.variables(here), signal), ...lists])
    if (own !== state || signal.aborted) return
    // Not found is null without an error.
    if (!view.entity(data) && holes.has(data)) throw new Unanswered('A part of it could not be read.')
    own.data = data
    own.error = undefined
    answered()
    const changes = new Set()
    draw(edit && ((element) => changes.add(element)))
    lightUp(changes)
    if (edit?.id && changes.size) arrived(edit, began)
    editor?.arrived(view.entity(data), changes)
  } catch (error) {
    if (own !== state || signal.aborted) return
    own.error = error
    if (!own.data) draw()
    if (error instanceof Unanswered) unanswered(error)
    else if (own.data) say(error.message)
  }
}

/** Asks again, soon at first when that is said, then more and more seldom. */
function later(first) {
  wait = first || Math.min(wait * 4, AGAIN)
  clearTimeout(alarm)
  alarm = setTimeout(() => (document.hidden || running ? later() : load({})), wait)
}

function answered() {
  failures = 0
  clearTimeout(retry)
  retry = undefined
  trouble.hidden = true
}

function unanswered(error) {
  say(`${error.message} Asking again…`)
  clearTimeout(retry)
  retry = setTimeout(refresh, RETRY[Math.min(failures++, RETRY.length - 1)])
}

function say(message) {
  trouble.textContent = message
  trouble.hidden = false
}

// One question at a time: what happens meanwhile is asked together, a moment later.
let running, pending
async function refresh(edit) {
  if (document.hidden) {
    pending = edit ?? pending ?? true
    return
  }
  if (running) {
    pending = edit ?? pending ?? true
    return
  }
  running = true
  await load(edit?.id ? edit : undefined)
  setTimeout(() => {
    running = false
    next()
  }, edit?.id ? PAUSE : 0)
}

function next() {
  if (!pending || running || document.hidden) return
  const edit = pending
  pending = undefined
  refresh(edit)
}
document.addEventListener('visibilitychange', next)

function lightUp(changes) {
  for (const element of changes) {
    const lit = element.closest('.card, .people li, h1, p, summary, dd') ?? element
    lit.classList.remove('changed')
    void lit.offsetWidth
    lit.classList.add('changed')
    setTimeout(() => lit.classList.remove('changed'), 2600)
  }
}

/** Says how long an edit took to come here. */
function arrived(edit, began) {
  const { value, unit } = amount(edit.millis + performance.now() - (edit.seen ?? began))
  notice(`“${edit.title || edit.id}” was edited: on this page after ${value} ${unit}.`)
}

let leaving
function notice(text) {
  arrival.textContent = text
  arrival.hidden = false
  clearTimeout(leaving)
  leaving = setTimeout(() => (arrival.hidden = true), 8000)
}

const editor = createEditor({ notice, isCurrent: (id) => state?.data?.programme?.id === id, draw: () => draw() })
if (editor) context.editor = editor

// Who is signed in has a page of their own over the public one, which stays as it is whatever becomes of theirs.
let viewer
const player = (context.player = createPlayer({ viewer: () => viewer }))
const session = createSession({ changed: become, say: whisper })
function become() {
  player.leave()
  viewer?.end()
  viewer = context.viewer = session.who && createViewer({
    token: session.who.token, where: () => here, draw: () => draw(), say: whisper, notice, out: (why) => session.out(why),
  })
  if (state) draw()
}
become()

function whisper(text) {
  if (word.textContent !== text) word.textContent = text
  word.hidden = !text
}

/** Shows an address. */
function show(url, { y = 0, quiet = false } = {}) {
  const before = here
  here = route(url)
  here.key = address(url.pathname, here)
  document.documentElement.dataset.screen = here.screen
  here.path = url.pathname
  const sameThing = before?.path === here.path
  const old = state
  state = known.get(here.key) ?? { lists: {}, data: undefined }
  known.delete(here.key)
  known.set(here.key, state)
  if (known.size > KEPT) known.delete(known.keys().next().value)
  panel.show(here, href)
  if (!sameThing) player.leave()
  trouble.hidden = true
  clearTimeout(retry)
  // Of another screen, territory or order, what is on show stays until the answer comes.
  if (!(sameThing && old?.data && !state.data)) draw()
  if (!sameThing) editor?.leave()
  running = false
  pending = undefined
  load().then(() => {
    if (state.data && !sameThing && !quiet) settle(y)
  })
  if (state.data && !sameThing) scrollTo({ top: y, behavior: 'instant' })
}

/** After going somewhere: the place to read from, for the eye and for screen readers. */
function settle(y) {
  if (location.hash && document.getElementById(location.hash.slice(1))) return document.getElementById(location.hash.slice(1)).scrollIntoView()
  if (document.activeElement === document.body || !document.activeElement?.isConnected || !main.contains(document.activeElement)) {
    main.querySelector('h1[tabindex]')?.focus({ preventScroll: true })
  }
  scrollTo({ top: y, behavior: 'instant' })
}

/** Goes to an address without loading a document. */
function go(url, replace) {
  if (replace) history.replaceState(history.state, '', url)
  else {
    remember()
    history.pushState({ y: 0 }, '', url)
  }
  show(url)
}

const remember = () => history.replaceState({ ...history.state, y: scrollY }, '')

document.addEventListener('click', (event) => {
  const link = event.target.closest?.('a[href]')
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const url = new URL(link.href)
  if (link.target || link.dataset.document !== undefined || url.origin !== location.origin) return
  if (!route(url).view) return
  event.preventDefault()
  if (url.href !== location.href) go(url, link.dataset.replace !== undefined)
})

history.scrollRestoration = 'manual'
addEventListener('scrollend', remember)
addEventListener('pagehide', remember)
addEventListener('popstate', ({ state: entry }) => show(new URL(location), { y: entry?.y ?? 0 }))

const panel = controls({
  onChange(choice) {
    if (choice.screen) saveScreen(choice.screen)
    go(new URL(address(location.pathname, { ...here, ...choice }) + location.hash, location), true)
    viewer?.refresh()
    notice(`Asked as ${here.screen === 'iptv' ? 'a TV box' : here.screen === 'mobile' ? 'a phone' : 'the web'} in ${country(here.territory ?? HOME_TERRITORY)}.`)
  },
})

arrowKeys(main, () => here.screen === 'iptv')

const light = lamp(document.getElementById('lamp'))
let last
follow('/freshness', 'edit', {
  onOpen() {
    if (light.state === 'lost') refresh()
    light.live()
  },
  onEvent(edit) {
    // Each connection begins with the last edit known.
    const repeated = last?.id === edit.id && last.visibleAt === edit.visibleAt
    const first = !last
    last = edit
    light.show(edit)
    if (!repeated && !(first && Date.now() - new Date(edit.visibleAt) > 60_000)) refresh({ ...edit, seen: performance.now() })
  },
  onLost: () => light.lost(),
})

show(new URL(location), { y: history.state?.y ?? 0, quiet: !history.state?.y && !location.hash })
