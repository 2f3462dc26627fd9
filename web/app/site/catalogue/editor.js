import { el, parts } from '../../shared/dom.js'
import { amount } from '../../shared/format.js'
import { h } from './patch.js'

const AGES = [['ALL', 'Everyone'], ['AGE_10', 'From 10'], ['AGE_12', 'From 12'], ['AGE_16', 'From 16'], ['AGE_18', 'From 18']]
const PATIENCE = 5000

/** The CMS's number, date or text as plain JSON: its documents are Extended JSON. */
function plain(value) {
  if (value?.$numberInt ?? value?.$numberLong ?? value?.$numberDouble) return Number(value.$numberInt ?? value.$numberLong ?? value.$numberDouble)
  if (value?.$date) return typeof value.$date === 'string' ? Date.parse(value.$date) : Number(value.$date.$numberLong)
  return value
}

async function cms(method, id, body) {
  let response, answer
  try {
    response = await fetch(`/cms/programme/${encodeURIComponent(id)}`, {
      method, headers: body && { 'content-type': 'application/json' }, body: body && JSON.stringify(body),
    })
    answer = await response.json()
  } catch (cause) {
    throw new Error(response ? `The CMS answered ${response.status}.` : 'The CMS does not answer. Is Regie still running?', { cause })
  }
  if (!response.ok) throw new Error(answer.error ?? `The CMS answered ${response.status}.`)
  return answer
}

/** What of a document the form shows, as text. */
function fieldsOf(doc) {
  const rights = doc.rights ?? []
  const until = plain(rights[0]?.until)
  return {
    title: doc.title ?? '',
    short: doc.synopsis?.short ?? '',
    age: doc.ageRating ?? 'ALL',
    year: String(plain(doc.year) ?? ''),
    offer: rights[0]?.offer ?? 'FREE',
    until: until == null ? '' : new Date(until).toISOString().slice(0, 16),
  }
}

/** The rights with another offer or end. What they do not say stays unsaid; none at all is no restriction. */
function rightsOf(doc, { offer, until }) {
  const right = { ...doc.rights?.[0] }
  delete right.offer
  delete right.until
  if (offer !== 'FREE') right.offer = offer
  if (until) right.until = { $date: `${until}:00Z` }
  return Object.keys(right).length ? [right] : null
}

/** What is wrong with the form, by field, in the CMS's own rules. */
function problems({ title, short, year, until }, doc) {
  const found = {}
  if (!title.trim()) found.title = 'A programme needs a title.'
  else if ([...title.trim()].length > 300) found.title = 'At most 300 characters.'
  if ([...short].length > 20_000) found.short = 'At most 20,000 characters.'
  if (year && !(Number.isInteger(Number(year)) && year >= 1880 && year <= 2200)) found.year = 'A year from 1880 to 2200, or none.'
  const from = plain(doc.rights?.[0]?.from)
  if (until && from != null && Date.parse(`${until}Z`) <= from) found.until = `It must be after the beginning, ${new Date(from).toISOString().slice(0, 16).replace('T', ' ')}.`
  return found
}

/** The form of a programme's page, where this process has the CMS; else null. */
export function createEditor({ notice, isCurrent, draw }) {
  if (document.querySelector('meta[name=editor]')?.content !== 'true') return null
  let open = false
  let id, doc, base, saved, form, part, waiting

  function build(host) {
    const field = (name, label, control, hint) => {
      Object.assign(control, { id: `edit-${name}`, name })
      control.dataset.part = name
      control.setAttribute('aria-describedby', `edit-${name}-told`)
      return el('p', { className: `field ${name}` },
        el('label', { htmlFor: control.id, textContent: label }), control,
        el('span', { id: `edit-${name}-told`, className: 'told', textContent: hint ?? '' }))
    }
    const choice = (list) => el('select', {}, ...list.map(([value, label]) => el('option', { value, textContent: label })))
    form = el('form', { className: 'editor', noValidate: true },
      el('h2', { textContent: 'Edit in the CMS' }),
      field('title', 'Title', el('input', { autocomplete: 'off', maxLength: 400 })),
      field('short', 'Short synopsis', el('textarea', { rows: 3 })),
      field('age', 'Age rating', choice(AGES)),
      field('year', 'Year', el('input', { inputMode: 'numeric', autocomplete: 'off' })),
      field('offer', 'Offer', choice([['FREE', 'Free'], ['MAX', 'MAX']])),
      field('until', 'Available until (UTC)', el('input', { type: 'datetime-local' })),
      el('p', { className: 'actions' },
        el('button', { className: 'primary', textContent: 'Save' }),
        el('button', { type: 'button', textContent: 'Close', onclick: () => close() })))
    form.querySelector('.primary').dataset.part = 'save'
    const result = el('p', { className: 'result', role: 'status' })
    result.dataset.part = 'result'
    form.append(result)
    part = parts(form)
    form.addEventListener('submit', (event) => {
      event.preventDefault()
      save()
    })
    form.addEventListener('keydown', (event) => event.key === 'Escape' && close())
    host.replaceChildren(form)
  }

  const typed = () => Object.fromEntries(Object.keys(base).map((name) => [name, part[name].value]))

  function tell(text, bad = false) {
    part.result.textContent = text
    part.result.classList.toggle('bad', bad)
  }

  function tellFields(found) {
    for (const name of Object.keys(base)) {
      const told = document.getElementById(`edit-${name}-told`)
      if (told && !part[name].disabled) told.textContent = found[name] ?? ''
      part[name].ariaInvalid = name in found ? 'true' : null
    }
    part[Object.keys(found)[0]]?.focus()
  }

  /** Reads the document. What the editor has typed and not saved stays; all else follows the CMS. */
  async function read() {
    const asked = id
    const answer = await cms('GET', asked)
    if (asked !== id || !form) return
    const [before, now] = [base, fieldsOf(answer)]
    doc = answer
    for (const [name, value] of Object.entries(now)) {
      if (!before || part[name].value === before[name]) part[name].value = value
    }
    base = now
    const several = (doc.rights?.length ?? 0) > 1
    for (const name of ['offer', 'until']) {
      part[name].disabled = several
      if (several) document.getElementById(`edit-${name}-told`).textContent = `It has ${doc.rights.length} windows: edit them with the command line.`
    }
    part.save.disabled = false
  }

  async function openPanel(programme) {
    open = true
    id = programme.id
    draw()
    part.save.disabled = true
    part.title.focus()
    try {
      await read()
      part.title.select()
    } catch (error) {
      tell(error.message, true)
    }
  }

  function close({ focus = true } = {}) {
    if (!open) return
    open = false
    forget()
    draw()
    if (focus) document.getElementById('edit')?.focus()
  }

  function forget() {
    clearTimeout(waiting)
    id = doc = base = saved = form = part = undefined
  }

  async function save() {
    if (!doc || part.save.disabled) return
    const values = typed()
    const found = problems(values, doc)
    tellFields(found)
    if (Object.keys(found).length) return tell('Not saved: see what is marked.', true)
    const set = {}
    if (values.title.trim() !== base.title) set.title = values.title.trim()
    if (values.short.trim() !== base.short) set['synopsis.short'] = values.short.trim() || null
    if (values.age !== base.age) set.ageRating = values.age
    if (values.year !== base.year) set.year = values.year ? { $numberInt: values.year } : null
    if (values.offer !== base.offer || values.until !== base.until) set.rights = rightsOf(doc, values)
    if (!Object.keys(set).length) return tell('Nothing to save: nothing was changed.')
    part.save.disabled = true
    const mine = (saved = { id, began: performance.now(), revision: shown })
    clearTimeout(waiting)
    try {
      await cms('PATCH', id, set)
      if (saved === mine) {
        tell('Saved in the CMS. Waiting for it to come back…')
        waiting = setTimeout(() => {
          if (saved !== mine) return
          saved = undefined
          tell('Saved in the CMS, but not seen here yet. The catalogue may have set it aside: the log says why.', true)
        }, PATIENCE)
      }
      await read()
    } catch (error) {
      if (saved === mine) saved = undefined
      if (form) tell(`Not saved: ${error.message}`, true)
    } finally {
      if (part) part.save.disabled = false
    }
  }

  let shown

  return {
    button: (programme) => h('button', {
      type: 'button', id: 'edit', 'aria-expanded': String(open), 'aria-controls': 'editor',
      onclick: () => (open ? close() : openPanel(programme)),
    }, open ? 'Close the editor' : 'Edit'),
    host: (programme) => open && programme.id === id
      ? h('div', { key: 'editor', id: 'editor', own: true, made: build })
      : null,
    /** Another page is shown. */
    leave() {
      open = false
      forget()
    },
    /** What the API answered, and the elements that changed with it. */
    arrived(programme) {
      const before = shown
      shown = programme?.revision
      if (!open || programme?.id !== id) return
      if (saved && saved.id === id && shown !== saved.revision) {
        const { value, unit } = amount(performance.now() - saved.began)
        saved = undefined
        clearTimeout(waiting)
        tell(`Saved, and seen on this page ${value} ${unit} after you pressed the button.`)
        notice(`Saved: seen here after ${value} ${unit}.`)
      }
      if (before !== shown && doc && !part.save.disabled && isCurrent(id)) read().catch(() => {})
    },
  }
}
