// The screens Regie projects the catalogue for. One document serves all of them; the URL says which one is asking.
export const screens = [
  { id: 'web', label: 'Web' },
  { id: 'mobile', label: 'Mobile' },
  { id: 'iptv', label: 'IPTV' },
]

const KEY = 'regie:screen'

export const endpoint = (screen) => `/query/${screen}`

/** The screen chosen last, on any of the pages. Storage may be forbidden: then the choice lasts as long as the page. */
export function savedScreen() {
  let saved
  try {
    saved = localStorage.getItem(KEY)
  } catch {}
  return screens.some(({ id }) => id === saved) ? saved : 'web'
}

export function saveScreen(screen) {
  try {
    localStorage.setItem(KEY, screen)
  } catch {}
}
