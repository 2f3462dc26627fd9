// The screens Regie projects the catalogue for. One document serves all of them; the URL says which one is asking.
export const screens = [
  { id: 'web', label: 'Web' },
  { id: 'mobile', label: 'Mobile' },
  { id: 'iptv', label: 'IPTV' },
]

/** Where the API takes a viewer to be who does not say. */
export const HOME_TERRITORY = 'FR'

const KEY = 'regie:screen'

export const isScreen = (id) => screens.some((screen) => screen.id === id)

export const endpoint = (screen, territory = HOME_TERRITORY) =>
  `/query/${screen}${territory === HOME_TERRITORY ? '' : `?territory=${territory}`}`

/** The screen chosen last, on any of the pages. Storage may be forbidden: then the choice lasts as long as the page. */
export function savedScreen() {
  let saved
  try {
    saved = localStorage.getItem(KEY)
  } catch {}
  return isScreen(saved) ? saved : 'web'
}

export function saveScreen(screen) {
  try {
    localStorage.setItem(KEY, screen)
  } catch {}
}
