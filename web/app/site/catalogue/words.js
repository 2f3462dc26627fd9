// What the catalogue's codes and numbers are in words.

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long' })
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' })
const both = new Intl.ListFormat('en-GB', { type: 'conjunction' })
const names = { region: new Intl.DisplayNames('en', { type: 'region' }), language: new Intl.DisplayNames('en', { type: 'language' }) }

const name = (type, code) => {
  try {
    return names[type].of(code) ?? code
  } catch {
    return code
  }
}

export const country = (code) => name('region', code)

/** A country within a sentence. */
const within = (code) => (/^(The )?(United|Netherlands|Philippines|Bahamas|Gambia|Maldives|Seychelles|Comoros|Dominican|Central)/.test(country(code)) ? 'the ' : '') + country(code)
export const countries = (codes) => both.format(codes.map(country))
export const languages = (codes) => both.format(codes.map((code) => name('language', code)))

/** A date, with its time of day when it is near. */
export function date(instant) {
  const at = new Date(instant)
  return (Math.abs(at - Date.now()) < 3 * 86_400_000 ? moment : day).format(at)
}

/** A length of time, such as 1 h 32 min. */
export function duration(seconds) {
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : [`${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(' ')
}

/** A place in a video, such as 1:02:03. */
export function timecode(seconds) {
  const two = (n) => String(n).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor(seconds / 60) % 60
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

const sentence = (code) => code[0] + code.slice(1).toLowerCase().replaceAll('_', ' ')

/** A code as a word: CHAPTER is Chapter. */
export const word = (code) => (code === 'TV' ? code : sentence(code))

export const age = ({ code, notBeforeHour }) =>
  [
    code === 'ALL' ? 'For everyone' : `From ${code.replace('AGE_', '')} years`,
    notBeforeHour != null && `not before ${notBeforeHour}:00`,
  ].filter(Boolean).join(', ')

const SCREENS = { web: 'the web', mobile: 'phones', iptv: 'TV boxes' }

/** What a viewer is told: may this be watched here and now, and if not, why and when. */
export function availability({ state, from, until, territories, offer }, { screen, territory }) {
  const where = territories.length ? ` Only in ${both.format(territories.map(within))}.` : ''
  const ends = until ? ` until ${date(until)}` : ''
  switch (state) {
    case 'AVAILABLE':
      return `Available${offer === 'MAX' ? ' with the offer MAX' : ''}${ends}.${where}`
    case 'OFFER_REQUIRED':
      return `It takes the offer ${offer}. Available to those who have it${ends}.${where}`
    case 'UPCOMING':
      return `${from ? `Available from ${date(from)}` : 'Available later'}${ends}${offer === 'MAX' ? ', with the offer MAX' : ''}.${where}`
    case 'EXPIRED':
      return `No longer available${until ? ` since ${date(until)}` : ''}.`
    case 'GEO_BLOCKED':
      return `Not available in ${within(territory)}.${where}`
    case 'NOT_ON_THIS_SCREEN':
      return `Not available on ${SCREENS[screen]}.`
  }
  return sentence(state)
}

/** What kind of video it is, and which one: Season 1, episode 3. */
export function place({ kind, seasonNumber, episodeNumber }) {
  if (kind !== 'EPISODE' || episodeNumber == null) return sentence(kind)
  return seasonNumber == null ? `Episode ${episodeNumber}` : `Season ${seasonNumber}, episode ${episodeNumber}`
}

/** Which episode a video is, before its title. */
const number = ({ seasonNumber, episodeNumber }) => (seasonNumber == null ? '' : `S${seasonNumber} E${episodeNumber} · `)

/** What the start button says to who has watched of it before. */
export const goOn = (video) => (video.kind === 'FILM' ? 'Continue the film' : `Continue with ${number(video)}${video.title}`)

/** What the start button says. */
export function start(video) {
  switch (video.kind) {
    case 'FILM':
      return 'Watch the film'
    case 'LIVE':
      return 'Watch live'
    case 'REPLAY':
      return `Watch the latest: ${video.title}`
  }
  return `Start with ${number(video)}${video.title}`
}
