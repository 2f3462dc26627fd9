import { parts } from '../../shared/dom.js'

const KEY = 'regie:viewer'

/** Each tab is a device of its own. Storage may be forbidden: then one is signed in for as long as the page lives. */
function saved() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY))
  } catch {
    return null
  }
}

function save(who) {
  try {
    if (who) sessionStorage.setItem(KEY, JSON.stringify(who))
    else sessionStorage.removeItem(KEY)
  } catch {}
}

async function askToken(user) {
  let response, answer
  try {
    response = await fetch('/sign-in', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ user }) })
    answer = await response.json()
  } catch (cause) {
    throw new Error(response ? `It answered ${response.status}.` : 'Regie does not answer. Is it still running?', { cause })
  }
  if (!response.ok) throw new Error(answer.error)
  return { user, token: answer.token }
}

/**
 * The header's form, which says who is watching: { user, token }, or nobody. `changed` is called when that changes, `say`
 * with what the viewer is to know. Without the form nobody ever is.
 */
export function createSession({ changed, say }) {
  const form = document.getElementById('who')
  const self = {
    who: null,
    /** Forgets the token, and says why when it was not the viewer's wish. */
    out(why) {
      set(null)
      say(why ? `You were signed out. ${why}` : '')
    },
  }
  if (!form) return self
  const part = parts(form)
  const field = form.elements.user

  function show() {
    field.parentElement.hidden = Boolean(self.who)
    field.disabled = Boolean(self.who)
    part.name.hidden = !self.who
    part.name.textContent = self.who?.user ?? ''
    part.button.textContent = self.who ? 'Sign out' : 'Sign in'
  }

  function set(who) {
    self.who = who
    save(who)
    show()
    changed()
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (self.who) {
      self.out()
      return field.focus()
    }
    part.button.disabled = true
    try {
      set(await askToken(field.value.trim()))
      say('')
    } catch (error) {
      say(`Not signed in: ${error.message}`)
    } finally {
      part.button.disabled = false
      part.button.focus()
    }
  })

  self.who = saved()
  show()
  return self
}
