import { badges, card, heart, picture, programmeItem, progressItem, rail, railItems, videoItem } from './cards.js'
import { h } from './patch.js'
import * as queries from './queries.js'
import { address } from './route.js'
import { age, availability, countries, duration, goOn, languages, place, start, timecode, word } from './words.js'

const nodes = (connection) => (connection?.edges ?? []).map(({ node }) => node).filter(Boolean)

/** The shape in which a rail of a layout draws its images. A layout that is not known is a carousel. */
const SHAPES = { HERO: 'hero', BANNER: 'hero', RANKED: 'tall' }
const LAYOUTS = ['HERO', 'CAROUSEL', 'GRID', 'RANKED', 'BANNER']

/** Heroes and banners: a cover, and what it says over it. */
function billboard(section, items, { href, viewer, first }) {
  if (!items.length) return null
  const small = section.layout === 'BANNER'
  return h('section', { key: section.id, class: small ? 'rail banner' : 'rail hero-rail', 'data-layout': section.layout, 'aria-label': section.title ?? (small ? 'Announcement' : 'Featured') },
    section.title && h('div', { class: 'head' }, h('h2', null, section.title)),
    h('ul', { class: 'row hero', role: 'list' }, items.map((item, at) => {
      const away = item.to?.startsWith('https://')
      const content = [
        picture(item.cover ?? item.wide ?? item.tall, { shape: 'hero', title: item.title, eager: first && at === 0 }),
        h('span', { class: 'over' },
          badges(item.badges),
          h('span', { class: 'name' }, item.title),
          item.subtitle && h('span', { class: 'sub' }, item.subtitle)),
      ]
      return h('li', { key: item.key, class: 'card' },
        item.to ? h('a', { href: away ? item.to : href(item.to), rel: away ? 'noopener' : null }, content) : h('span', { class: 'gone' }, content),
        heart(item, { viewer }))
    })))
}

/** The viewer's own rails: where the public page has a place for each, and what it is called elsewhere. */
const OWN = {
  CONTINUE_WATCHING: ['Continue watching', ({ watching }) => nodes(watching).map(progressItem)],
  FAVOURITES: ['Favourites', ({ favourites }) => nodes(favourites).map(({ target }) => (target.__typename === 'Video' ? videoItem : programmeItem)(target))],
}

function own({ id, title, source }, context) {
  const [called, items] = OWN[source] ?? ['', () => []]
  return rail({ key: id, title: title ?? called }, items(context.viewer?.lists() ?? {}), context)
}

const pretends = document.querySelector('meta[name=pretends]')?.content === 'true'

/** What rails say that are counted of viewers whom there are not. */
const pretended = ({ source, layout }) =>
  pretends && (source === 'TOP' || (layout === 'RANKED' && source !== 'EDITORIAL')) && 'Counted of pretend viewers: a demonstration.'

function railOf(section, context, first = false) {
  if (section.isPersonal) return own(section, context)
  const items = railItems(section.cards.edges)
  const layout = LAYOUTS.includes(section.layout) ? section.layout : 'CAROUSEL'
  if (SHAPES[layout] === 'hero') return billboard({ ...section, layout }, items, { ...context, first })
  // Videos have no upright image.
  const upright = SHAPES[layout] === 'tall' && items.every(({ tall }) => tall)
  return rail({ key: section.id, title: section.title, more: section.more, note: pretended(section) }, items,
    { ...context, layout, shape: upright ? 'tall' : 'wide', ranked: layout === 'RANKED', eager: first })
}

/** A page's rails, and the button by which more come. */
function sections(page, context) {
  if (!page) return []
  const list = context.list('sections', page.sections, {
    query: queries.MORE_SECTIONS, variables: { slug: page.slug }, pick: (data) => data.page?.list, longest: 24,
  })
  return [...list.nodes.map((section, at) => railOf(section, context, at === 0)), moreButton(list, 'rails')]
}

const home = {
  query: queries.HOME,
  variables: () => ({}),
  entity: (data) => data,
  title: ({ page }) => page?.seo?.title ?? page?.title ?? 'Home',
  render({ page, newest, channels, categories }, context) {
    const rails = (channels ?? []).map((channel) =>
      rail({ key: channel.id, title: channel.title, more: channel.path, mark: channel.mark },
        nodes(channel.programmes).map(programmeItem), context))
    const latest = !page && rail({ key: 'newest', title: 'Newest' }, nodes(newest).map(programmeItem), { ...context, shape: 'tall' })
    const [top, ...others] = sections(page, context)
    const placed = nodes(page?.sections).some(({ isPersonal }) => isPersonal)
    const mine = placed ? [] : Object.keys(OWN).map((source) => own({ id: source, source }, context))
    const drawn = [top, mine, others, latest, rails].flat().filter(Boolean)
    if (!drawn.length) {
      return [h('section', { key: 'empty', class: 'lost' },
        h('h1', null, 'The catalogue is empty for now.'),
        h('p', null, 'Programmes show up here by themselves, as editors publish them.'))]
    }
    return [
      h('h1', { key: 'h1', class: 'unseen', tabindex: '-1' }, page?.title ?? 'Home'),
      ...drawn,
      (categories ?? []).length > 0 && h('section', { key: 'categories', class: 'rail', 'aria-labelledby': 'categories' },
        h('h2', { id: 'categories' }, 'Categories'),
        h('ul', { class: 'tags', role: 'list' }, categories.map(({ id, path, title }) =>
          h('li', { key: id }, h('a', { class: 'button', href: context.href(path) }, title))))),
    ].filter(Boolean)
  },
}

const page = {
  query: queries.PAGE_VIEW,
  variables: ({ slug }) => ({ slug }),
  entity: (data) => data.page,
  title: ({ page }) => page.seo?.title ?? page.title,
  render: ({ page }, context) => [
    h('h1', { key: 'h1', tabindex: '-1' }, page.title),
    ...sections(page, context),
  ].filter(Boolean),
}

const BESIDE = ['EXTRACT', 'BONUS', 'TRAILER']

const facts = (...list) => h('p', { class: 'facts' }, list.filter(Boolean).map((fact) => h('span', null, fact)))

const allowed = (thing, context) =>
  h('p', { class: 'availability', 'data-state': thing.availability.state }, availability(thing.availability, context.route))

const moreButton = (list, label) =>
  list.hasMore && h('p', { key: 'more', class: 'more' },
    h('button', { type: 'button', 'aria-label': `More: ${label}`, onclick: list.more }, 'More'))

/** Videos of a programme in a grid that can be read on. */
function videos(programme, name, connection, variables, label, context, restart = false) {
  const list = context.list(name, connection, {
    query: queries.MORE_VIDEOS, variables: { id: programme.id, ...variables }, pick: (data) => data.programme?.list, restart,
  })
  return [
    h('ul', { class: 'grid wide episodes', role: 'list' }, list.nodes.map((video) => card(videoItem(video), context))),
    moreButton(list, label),
  ]
}

function credits(programme, context) {
  const list = context.list('credits', programme.credits, {
    query: queries.MORE_CREDITS, variables: { id: programme.id }, pick: (data) => data.programme?.list,
  })
  if (!list.nodes.length) return null
  return h('section', { key: 'credits', class: 'rail', 'aria-labelledby': 'credits' },
    h('h2', { id: 'credits' }, 'Credits'),
    h('ul', { class: 'people', role: 'list' }, list.nodes.map(({ role, character, person }, at) => {
      const content = [
        picture(person?.tall, { shape: 'face', title: person?.title ?? '', sizes: '4rem' }),
        h('span', null,
          h('span', { class: 'name' }, person?.title ?? 'Somebody'),
          h('span', { class: 'sub' }, [word(role), character].filter(Boolean).join(', '))),
      ]
      return h('li', { key: `${person?.id} ${role} ${character ?? ''} ${person ? '' : at}` },
        person ? h('a', { href: context.href(person.path) }, content) : h('span', { class: 'gone' }, content))
    })),
    moreButton(list, 'credits'))
}

const programme = {
  query: queries.PROGRAMME,
  variables: ({ slug }) => ({ slug }),
  entity: (data) => data.programme,
  title: ({ programme }) => programme.seo?.title ?? programme.title,
  render({ programme }, context) {
    const { href } = context
    const next = context.viewer?.state(programme.id)?.next
    const first = next ?? programme.start
    return [
      h('article', { key: programme.id, class: 'sheet' },
        h('header', { class: 'cover' },
          picture(programme.cover, { shape: 'hero', title: programme.title, eager: true }),
          h('div', { class: 'said' },
            h('p', { class: 'trail' },
              programme.channel && h('a', { href: href(programme.channel.path) },
                programme.channel.mark && h('img', { class: 'mark', src: programme.channel.mark.url, alt: '', width: 24, height: 24 }), programme.channel.title),
              h('span', null, word(programme.kind))),
            h('h1', { tabindex: '-1' }, programme.title),
            badges(programme.badges),
            facts(programme.year, programme.countries.length > 0 && countries(programme.countries), age(programme.ageRating)),
            programme.short && h('p', { class: 'lede' }, programme.short),
            allowed(programme, context),
            h('p', { class: 'actions' },
              first && h('a', { class: 'button primary', href: href(first.path) }, next ? goOn(next) : start(first)),
              heart(programme, context, 'Favourite'),
              context.editor?.button(programme)))),
        context.editor?.host(programme),
        programme.synopsis && programme.synopsis !== programme.short && h('p', { class: 'synopsis' }, programme.synopsis),
        programme.categories.length > 0 && h('ul', { class: 'tags', role: 'list', 'aria-label': 'Categories' }, programme.categories.map(({ id, path, title }) =>
          h('li', { key: id }, h('a', { class: 'button', href: href(path) }, title))))),
      ...programme.sections.map((section) => railOf(section, context)),
      programme.seasons.length > 0 && h('section', { key: 'seasons', class: 'rail', 'aria-labelledby': 'seasons' },
        h('h2', { id: 'seasons' }, programme.seasons.length === 1 ? 'Episodes' : 'Seasons'),
        programme.seasons.map((season, at) => h('details', { key: season.number, class: 'season', open: at === 0 },
          h('summary', null,
            h('span', { class: 'name' }, season.title ?? `Season ${season.number}`),
            h('span', { class: 'sub' }, season.episodeCount === 1 ? '1 episode' : `${season.episodeCount} episodes`)),
          season.episodes.edges.length === 0 && h('p', { class: 'sub' }, 'None of them can be watched here and now.'),
          // The season's own page of episodes has cursors of its own: the list that goes on begins again.
          videos(programme, `season ${season.number}`, season.episodes,
            { filter: { kinds: ['EPISODE'], season: season.number }, orderBy: 'EPISODE' }, `season ${season.number}`, context, true)))),
      // Where the editors have made sections, they say what is shown beside the thing itself.
      ...queries.KINDS.filter(([kind]) => !programme.sections.length || !BESIDE.includes(kind)).map(([kind, title]) => nodes(programme[kind]).length > 0 &&
        h('section', { key: kind, class: 'rail', 'aria-labelledby': kind },
          h('h2', { id: kind }, title),
          videos(programme, kind, programme[kind], { filter: { kinds: [kind] } }, title, context))),
      credits(programme, context),
      rail({ key: 'related', title: 'Related' }, programme.related.filter(Boolean).map(programmeItem), { ...context, shape: 'tall' }),
    ].filter(Boolean)
  },
}

const video = {
  query: queries.VIDEO,
  variables: ({ slug, video }) => ({ programme: slug, video }),
  entity: (data) => data.video,
  title: ({ video }) => video.seo?.title ?? [video.title, video.programme?.title].filter(Boolean).join(' · '),
  render({ video }, context) {
    const { href } = context
    const { tracks, playback } = video
    const row = (term, text) => text && [h('dt', { key: term }, term), h('dd', { key: `${term}:` }, text)]
    return [
      h('article', { key: video.id, class: 'sheet' },
        h('header', { class: 'player' },
          h('div', null,
            picture(video.cover, { title: video.title, eager: true, sizes: '(max-width: 56rem) 100vw, 55vw' }),
            context.viewer && context.player.host(video)),
          h('div', { class: 'said' },
            h('p', { class: 'trail' }, video.programme && h('a', { href: href(video.programme.path) }, video.programme.title), h('span', null, place(video))),
            h('h1', { tabindex: '-1' }, video.title),
            badges(video.badges),
            facts(duration(video.duration), age(video.ageRating)),
            allowed(video, context),
            context.viewer && h('p', { class: 'actions' }, heart(video, context, 'Favourite')))),
        video.synopsis && h('p', { class: 'synopsis' }, video.synopsis),
        h('dl', { class: 'tracks' },
          row('Audio', languages(tracks.audio)),
          row('Subtitles', [languages(tracks.subtitles), tracks.deafSubtitles && 'for the deaf and hard of hearing'].filter(Boolean).join('; ')),
          row('Audio description', tracks.audioDescription && 'yes'),
          row('Stream', [playback.streamId, playback.isLive && 'live', playback.hasDrm && 'protected'].filter(Boolean).join(', '))),
        video.markers.length > 0 && h('section', { class: 'markers', 'aria-labelledby': 'markers' },
          h('h2', { id: 'markers' }, 'In this video'),
          h('ol', { role: 'list' }, video.markers.map(({ kind, start, end }) => h('li', null,
            h('span', { class: 'time' }, end == null ? timecode(start) : `${timecode(start)} to ${timecode(end)}`), ' ',
            h('span', null, word(kind))))))),
      h('nav', { key: 'around', class: 'rail', 'aria-label': 'Before and after' },
        h('ul', { class: 'grid wide', role: 'list' },
          video.previous && card({ ...videoItem(video.previous), key: 'previous', subtitle: 'Previous' }, context),
          video.next && card({ ...videoItem(video.next), key: 'next', subtitle: 'Next' }, context))),
    ]
  },
}

/** Newest or by title: links, so that the order is in the address. */
const orders = ({ route }) =>
  h('nav', { class: 'orders', 'aria-label': 'Order' }, [['NEWEST', 'Newest'], ['TITLE', 'By title']].map(([order, label]) =>
    h('a', { class: 'button', href: address(location.pathname, { ...route, order }), 'data-replace': true, 'aria-current': route.order === order ? 'true' : null }, label)))

const counted = (n, one, many) => (n === 1 ? `1 ${one}` : `${n} ${many}`)

/** A view of one list: of a channel, a category or a person. */
const listing = (query, name, { item, each, head }) => ({
  query,
  variables: ({ slug, order }) => ({ slug, orderBy: order }),
  entity: (data) => data[name],
  title: (data) => data[name].title,
  render(data, context) {
    const entity = data[name]
    const list = context.list('list', entity.list, {
      query, variables: { slug: entity.slug, orderBy: context.route.order }, pick: (answer) => answer[name]?.list,
    })
    return [
      h('header', { key: entity.id, class: 'title' }, head(entity)),
      h('section', { key: 'list', class: 'rail', 'aria-label': each[1] },
        h('div', { class: 'head' }, h('p', null, counted(entity.list.totalCount, ...each)), orders(context)),
        h('ul', { class: 'grid tall', role: 'list' }, list.nodes.map((node) => card(item(node), { ...context, shape: 'tall' }))),
        list.nodes.length === 0 && h('p', { class: 'sub' }, 'Nothing of it can be watched here and now.'),
        moreButton(list, entity.title)),
    ]
  },
})

const channel = listing(queries.CHANNEL, 'channel', {
  item: programmeItem,
  each: ['programme', 'programmes'],
  head: ({ title, mark, kind }) => [
    mark && h('img', { class: 'mark', src: mark.url, alt: '', width: 80, height: 80 }),
    h('div', null, h('h1', { tabindex: '-1' }, title), h('p', { class: 'sub' }, word(kind))),
  ],
})

const category = listing(queries.CATEGORY, 'category', {
  item: programmeItem,
  each: ['programme', 'programmes'],
  head: ({ title }) => h('h1', { tabindex: '-1' }, title),
})

const person = listing(queries.PERSON, 'person', {
  each: ['credit', 'credits'],
  item: ({ role, character, programme }) => ({
    ...(programme ? programmeItem(programme) : { title: 'A programme that is gone' }),
    key: `${programme?.id} ${role} ${character ?? ''}`,
    subtitle: [word(role), character].filter(Boolean).join(', '),
  }),
  head: ({ title, tall, biography }) => [
    picture(tall, { shape: 'tall', title, eager: true }),
    h('div', null, h('h1', { tabindex: '-1' }, title), biography && h('p', { class: 'synopsis' }, biography)),
  ],
})

export const views = { home, page, programme, video, channel, category, person }

/** What stands where nothing is. */
export const lost = ({ href }) => [
  h('section', { key: 'lost', class: 'lost' },
    h('h1', { tabindex: '-1' }, 'There is nothing at this address.'),
    h('p', null, 'Nothing of the catalogue is called so, or not any more.'),
    h('p', null, h('a', { class: 'button primary', href: href('/') }, 'To the home page'))),
]

/** What stands where the API did not answer. */
export const failed = (message, retrying) => [
  h('section', { key: 'failed', class: 'lost' },
    h('h1', { tabindex: '-1' }, retrying ? 'Regie does not answer.' : 'This cannot be shown.'),
    h('p', null, message),
    retrying && h('p', null, 'This page asks again by itself.')),
]

/** What stands until something is known. */
export const skeleton = () => [
  h('div', { key: 'skeleton', class: 'skeleton', 'aria-hidden': 'true' },
    h('span', { class: 'frame hero' }), h('span', { class: 'bone' }), h('span', { class: 'bone short' })),
]
