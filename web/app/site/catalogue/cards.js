import { h } from './patch.js'
import { duration, place } from './words.js'

/** How wide an image is drawn, for the browser's choice among its sources. */
const SIZES = {
  hero: '100vw',
  wide: '(max-width: 40rem) 60vw, 18rem',
  tall: '(max-width: 40rem) 40vw, 11rem',
}

/** An image in its frame, which shows the title's first letter until the image does, or instead of it. */
export function picture(image, { shape = 'wide', title = '', eager = false, sizes = SIZES[shape], over = [] } = {}) {
  return h('span', { class: `frame ${shape}` },
    h('b', { 'aria-hidden': 'true' }, [...title][0] ?? ''),
    image && h('img', {
      src: image.url,
      srcset: image.sources?.map(({ url, width }) => `${url} ${width}w`).join(', ') || null,
      sizes: image.sources?.length ? sizes : null,
      width: image.width,
      height: image.height,
      // The title stands beside it: an alternative text equal to it would only be said twice.
      alt: image.alt === title ? '' : image.alt,
      loading: eager ? null : 'lazy',
      decoding: 'async',
      draggable: 'false',
      onload: ({ target }) => target.classList.remove('broken'),
      onerror: ({ target }) => target.classList.add('broken'),
    }),
    over)
}

/** Badges of kinds that are not known here are drawn as any other: their label says it all. */
export const badges = (list) =>
  list?.length ? h('span', { class: 'badges' }, list.map(({ kind, label }) => h('span', { class: 'badge', 'data-kind': kind }, label))) : null

const SHUT = {
  OFFER_REQUIRED: 'With the offer MAX',
  UPCOMING: 'Not yet available',
  EXPIRED: 'No longer available',
  GEO_BLOCKED: 'Not in this territory',
  NOT_ON_THIS_SCREEN: 'Not on this screen',
}

/** How much of a video was watched. */
const bar = (progress) => {
  const ratio = progress?.isFinished ? 1 : progress?.ratio
  return ratio > 0 && h('progress', { max: 1, value: ratio, 'aria-label': `${Math.round(ratio * 100)} % watched` })
}

/** A button that makes something a favourite of the viewer's, or no more. There is none until it is known which. */
export function heart({ id, title }, { viewer }, label) {
  const state = id && viewer?.state(id)
  return state && h('button', {
    type: 'button',
    class: label ? 'heart' : 'heart small',
    'aria-pressed': String(state.isFavourite),
    'aria-label': `Favourite: ${title}`,
    onclick: () => viewer.favour(id, !state.isFavourite, title),
  }, h('span', { 'aria-hidden': 'true' }, state.isFavourite ? '♥\uFE0E' : '♡\uFE0E'), label && ` ${label}`)
}

/** An item of a rail or grid: { key, id, to, title, subtitle, badges, state, rank, progress } and an image per shape. */
export function card(item, { href, viewer, shape = 'wide', eager }) {
  const { key, id, to, title, subtitle, text, rank, state } = item
  const progress = item.progress ?? (id && viewer?.state(id)?.progress)
  const shut = SHUT[state]
  const content = [
    rank != null && h('span', { class: 'rank' }, rank),
    picture(item[shape] ?? item.wide ?? item.tall, { shape, title, eager, over: [badges(item.badges), bar(progress)] }),
    h('span', { class: 'name' }, title),
    subtitle && h('span', { class: 'sub' }, subtitle),
    shut && h('span', { class: 'shut' }, shut),
    text && h('span', { class: 'text' }, text),
  ]
  const away = to?.startsWith('https://')
  return h('li', { key, class: 'card' },
    to ? h('a', { href: away ? to : href(to), rel: away ? 'noopener' : null }, content) : h('span', { class: 'gone' }, content),
    heart(item, { viewer }))
}

export const programmeItem = (programme) => ({
  ...programme, key: programme.id, to: programme.path, state: programme.availability?.state,
})

export const videoItem = (video) => ({
  key: video.id,
  id: video.id,
  to: video.path,
  title: video.kind === 'EPISODE' && video.episodeNumber != null ? `${video.episodeNumber}. ${video.title}` : video.title,
  subtitle: duration(video.duration),
  text: video.synopsis,
  badges: video.badges,
  state: video.availability?.state,
  wide: video.wide,
})

/** Where to go on: the programme's name, and which of its videos. */
export const progressItem = ({ video, ...progress }) => ({
  ...videoItem(video),
  title: video.programme?.title ?? video.title,
  subtitle: `${place(video)}, ${progress.position > 0 ? `${duration(Math.max(progress.duration - progress.position, 0))} left` : duration(video.duration)}`,
  text: null,
  progress,
})

/** What a rail's card draws. What a rail has twice keeps two keys. */
export function railItems(edges) {
  const seen = new Map()
  return edges.filter(({ node }) => node).map(({ node }) => {
    const { target } = node
    const name = target?.id ?? target?.url ?? node.title
    const times = (seen.get(name) ?? 0) + 1
    seen.set(name, times)
    return {
      ...node,
      key: `${name} ${times}`,
      id: ['Programme', 'Video'].includes(target?.__typename) ? target.id : null,
      to: target?.path ?? target?.url,
      state: target?.availability?.state,
      subtitle: node.subtitle ?? (target?.__typename === 'Video' ? [target.programme?.title, place(target), duration(target.duration)].filter(Boolean).join(', ') : null),
    }
  })
}

/** Two buttons for those who have a mouse without a wheel; the keyboard goes from card to card. */
const nudge = (step) =>
  h('button', {
    type: 'button',
    class: 'nudge',
    tabindex: '-1',
    'aria-hidden': 'true',
    onclick: ({ target }) => {
      const list = target.closest('.rail').querySelector('.row')
      list.scrollBy({ left: step * list.clientWidth * 0.85 })
    },
  }, step < 0 ? '‹' : '›')

/** A rail: a heading and a row of cards that scrolls. */
export function rail({ key, title, more, mark, note }, items, { href, viewer, shape = 'wide', ranked = false, layout = 'CAROUSEL', eager }) {
  if (!items.length) return null
  return h('section', { key, class: 'rail', 'data-layout': layout, 'aria-label': title ?? word(layout) },
    title && h('div', { class: 'head' },
      h('h2', null, mark && h('img', { class: 'mark', src: mark.url, alt: '', width: 28, height: 28 }), more ? h('a', { href: href(more) }, title) : title),
      h('span', { class: 'nudges' }, more && h('a', { class: 'all', href: href(more), 'aria-label': `See all: ${title}` }, 'See all'), layout !== 'GRID' && [nudge(-1), nudge(1)])),
    note && h('p', { class: 'note' }, note),
    h(ranked ? 'ol' : 'ul', { class: layout === 'GRID' ? 'grid wide' : `row ${shape}`, role: 'list' },
      items.map((item) => card(item, { href, viewer, shape, eager }))))
}

const word = (layout) => (layout === 'HERO' ? 'Featured' : 'More')
