import { HOME_TERRITORY, isScreen } from '../../shared/screens.js'

const LISTS = ['channel', 'person', 'category', 'page']
// Addresses that are not the catalogue's (web.go: ours).
const OURS = ['assets', 'cms', 'developers', 'freshness', 'graphiql', 'posters', 'query', 'sign-in']
const ORDERS = ['NEWEST', 'TITLE']
const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/

/** What an address shows: { view, slug, video, screen, territory, order }. View is null where nothing can be. */
export function route({ pathname, search }) {
  const params = new URLSearchParams(search)
  const screen = params.get('screen')
  const territory = params.get('territory')?.toUpperCase()
  const order = params.get('order')?.toUpperCase()
  const segments = pathname.split('/').slice(1)
  const asked = {
    screen: isScreen(screen) ? screen : 'web',
    territory: /^[A-Z]{2}$/.test(territory) ? territory : HOME_TERRITORY,
    order: ORDERS.includes(order) ? order : ORDERS[0],
  }
  if (pathname === '/') return { view: 'home', ...asked }
  if (segments.length > 2 || OURS.includes(segments[0]) || !segments.every((segment) => SLUG.test(segment))) return { view: null, ...asked }
  const [first, second] = segments
  if (!second) return { view: 'programme', slug: first, ...asked }
  if (LISTS.includes(first)) return { view: first, slug: second, ...asked }
  return { view: 'video', slug: first, video: second, ...asked }
}

/** The address of a path of the site that keeps the screen and territory, or says which. Others stay as they are. */
export function address(path, { screen, territory, order }) {
  if (!path.startsWith('/') || path.startsWith('//')) return path
  const url = new URL(path, location.origin)
  const params = url.searchParams
  if (screen && screen !== 'web') params.set('screen', screen)
  if (territory && territory !== HOME_TERRITORY) params.set('territory', territory)
  if (order && order !== ORDERS[0]) params.set('order', order.toLowerCase())
  return url.pathname + url.search + url.hash
}
