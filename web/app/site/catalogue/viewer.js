import { post } from '../../shared/query.js'
import { ADD, REMOVE, REPORT, VIEWER } from './queries.js'

// What other devices do shows within this time, while one looks.
const PAUSE = 5000
const LONGEST = 100
const LISTS = Symbol('the lists')

/**
 * What one signed-in viewer did, laid over the public page: views ask for it as they are drawn, and what they asked for is
 * read together, in a query of its own, with the viewer's token. `where` is the screen and territory, `draw` shows it,
 * `say` tells how reading goes, `notice` what became of a wish, `out` that the token is not taken any more.
 */
export function createViewer({ token, where, draw, say, notice, out }) {
  const known = new Map() // by id: a state, or null when there is none
  const wanted = new Map() // by id: what is on its way to be a favourite, or none
  const receipts = {} // by kind: the last write's, which reads may not be before
  const writes = {} // by kind: the last write; one follows the other
  let shown = new Set()
  let asked = new Set()
  let reading, waiting
  let ended = false

  async function ask(query, variables, options) {
    const { screen, territory } = where()
    const { status, body } = await post(screen, { query, variables }, { ...options, territory, token })
    const error = body.errors?.[0]
    if (error?.extensions?.code === 'UNAUTHENTICATED' && !ended) out(error.message)
    return { data: body.data, extensions: body.extensions, error: error ?? { message: `The API answered ${status}.` } }
  }

  async function read(ids, lists, signal) {
    const notBefore = Object.values(receipts).join('~') || null
    const { data, extensions, error } = await ask(VIEWER, { ids, lists, notBefore }, { signal })
    // Receipts of a log that is gone would be refused for ever.
    if (error.extensions?.code === 'BAD_USER_INPUT') for (const kind of Object.keys(receipts)) delete receipts[kind]
    if (!data?.viewer) throw new Error(error.message)
    const { states, ...own } = data.viewer
    const found = ids.map((id, at) => [id, states[at]])
    if (lists) found.push([LISTS, own])
    // What is not yet as new as the own writes is no news of what they changed.
    const isStale = extensions?.consistency?.state === 'STALE'
    return isStale ? found.filter(([id]) => !known.has(id)) : found
  }

  /** Reads what is on show. Only the latest reading counts. */
  async function refresh() {
    clearTimeout(waiting)
    reading?.abort()
    if (ended) return
    const { signal } = (reading = new AbortController())
    asked = new Set(shown)
    const ids = [...asked].filter((id) => id !== LISTS)
    const groups = Array.from({ length: Math.ceil(ids.length / LONGEST) }, (_, n) => ids.slice(n * LONGEST, (n + 1) * LONGEST))
    if (!groups.length && asked.size) groups.push([])
    try {
      const found = await Promise.all(groups.map((group, n) => read(group, n === 0 && asked.has(LISTS), signal)))
      if (signal.aborted) return
      for (const [id, state] of found.flat()) known.set(id, state)
      say('')
      draw()
    } catch (error) {
      if (signal.aborted) return
      say(`Your favourites and progress cannot be read now. ${error.message}`)
    }
    if (!document.hidden) waiting = setTimeout(refresh, PAUSE)
  }

  /** Writes, each kind in order, and resolves to what was written. */
  function write(kind, query, input, { keepalive } = {}) {
    const send = async () => {
      const { data, error } = await ask(query, { input }, { keepalive })
      if (!data) throw new Error(error.message)
      const { problems, receipt, progress } = data.done
      if (problems.length) throw new Error(problems.map(({ message }) => message).join(' '))
      if (receipt) receipts[kind] = receipt.token
      return progress
    }
    // A page that is left has no time to wait.
    const written = keepalive ? send() : (writes[kind] ?? Promise.resolve()).then(send)
    writes[kind] = written.catch(() => {})
    return written
  }

  const know = (id, change) => known.set(id, { ...known.get(id), ...change })

  const look = () => !document.hidden && refresh()
  addEventListener('focus', look)
  document.addEventListener('visibilitychange', look)

  return {
    /** What the viewer did with something; undefined until that is known. */
    state(id) {
      shown.add(id)
      const state = known.get(id)
      const wish = wanted.get(id)
      return state && wish ? { ...state, isFavourite: wish.on } : (state ?? undefined)
    },
    /** The viewer's own lists; undefined until they are known. */
    lists() {
      shown.add(LISTS)
      return known.get(LISTS)
    },
    /** A page is drawn from here on. */
    begin: () => (shown = new Set()),
    /** It is drawn: what it asked for and is not known is read. */
    drawn() {
      if ([...shown].some((id) => !known.has(id) && !asked.has(id))) refresh()
    },
    refresh,
    /** Makes something a favourite, or no more: on the page at once, and as it was if that does not work. */
    async favour(id, on, title) {
      const wish = { on }
      wanted.set(id, wish)
      draw()
      try {
        await write('favourite', on ? ADD : REMOVE, { targetId: id })
        know(id, { isFavourite: on })
      } catch (error) {
        if (!ended) notice(`“${title}” was not ${on ? 'added to' : 'removed from'} your favourites. ${error.message}`)
      }
      if (wanted.get(id) === wish) wanted.delete(id)
      draw()
      refresh()
    },
    /** Says where the viewer is in a video. */
    async report(input, options) {
      const progress = await write('progress', REPORT, input, options)
      know(input.videoId, { progress })
      refresh()
    },
    end() {
      ended = true
      clearTimeout(waiting)
      reading?.abort()
      removeEventListener('focus', look)
      document.removeEventListener('visibilitychange', look)
    },
  }
}
