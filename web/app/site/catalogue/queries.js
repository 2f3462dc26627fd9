// One operation per view. Lists of a view that can be read on have one more each, of the same fields.

const PICTURE = 'fragment Pic on Image { url width height alt }'

const CARD = `${PICTURE}
fragment ProgrammeCard on Programme {
  __typename id slug title path revision
  badges { kind label }
  availability { state }
  wide: image(role: THUMBNAIL) { ...Pic sources(widths: [320, 640, 960]) { url width } }
  tall: image(role: PORTRAIT) { ...Pic sources(widths: [200, 400, 600]) { url width } }
}`

const VIDEO_CARD = `fragment VideoCard on Video {
  __typename id slug title path revision kind seasonNumber episodeNumber duration publishedAt
  synopsis
  badges { kind label }
  availability { state }
  wide: image(role: THUMBNAIL) { ...Pic sources(widths: [320, 640, 960]) { url width } }
}`

const RAIL = `fragment Rail on Section {
  id title layout source more
  cards(first: 24) {
    edges {
      node {
        title subtitle rank
        badges { kind label }
        wide: image(role: THUMBNAIL) { ...Pic sources(widths: [320, 640, 960]) { url width } }
        tall: image(role: PORTRAIT) { ...Pic sources(widths: [200, 400, 600]) { url width } }
        cover: image(role: COVER) { ...Pic sources(widths: [640, 1280, 1920]) { url width } }
        target {
          __typename
          ... on Content { id path }
          ... on Programme { availability { state } }
          ... on Video { kind seasonNumber episodeNumber duration availability { state } }
          ... on ExternalLink { url }
        }
      }
    }
  }
}`

const SECTIONS = `
  edges { node { isPersonal ...Rail cards(first: 24) { edges { node { target { ... on Video { programme { title } } } } } } } }
  pageInfo { hasNextPage endCursor }`

const PAGE = `fragment Rails on Page {
  id slug title path revision
  seo { title description }
  sections(first: 16) { ${SECTIONS} }
}
${RAIL}`

const PROGRAMMES = 'edges { node { ...ProgrammeCard } } pageInfo { hasNextPage endCursor }'
const VIDEOS = 'totalCount edges { node { ...VideoCard } } pageInfo { hasNextPage endCursor }'

export const HOME = `query Home {
  page(slug: "home") { ...Rails }
  newest: programmes(first: 12) { edges { node { ...ProgrammeCard } } }
  channels {
    id title path revision
    mark: image(role: SQUARE, width: 96) { ...Pic }
    programmes(first: 12) { edges { node { ...ProgrammeCard } } }
  }
  categories { id title path }
}
${PAGE}
${CARD}`

export const PAGE_VIEW = `query Page($slug: String!) { page(slug: $slug) { ...Rails } }
${PAGE}
${PICTURE}`

export const MORE_SECTIONS = `query MoreSections($slug: String!, $first: Int!, $after: String) {
  page(slug: $slug) { list: sections(first: $first, after: $after) { ${SECTIONS} } }
}
${RAIL}
${PICTURE}`

/** The kinds of videos beside episodes, with what their lists are called. */
export const KINDS = [
  ['FILM', 'The film'],
  ['LIVE', 'Live'],
  ['REPLAY', 'Replays'],
  ['EXTRACT', 'Extracts'],
  ['BONUS', 'Bonus'],
  ['TRAILER', 'Trailers'],
]

export const PROGRAMME = `query Programme($slug: String!) {
  programme(by: { slug: $slug }) {
    id slug title path revision kind year countries
    short: synopsis
    synopsis(length: LONG)
    ageRating { code notBeforeHour }
    badges { kind label }
    availability { state from until territories offer }
    cover: image(role: COVER) { ...Pic sources(widths: [640, 1280, 1920]) { url width } }
    channel { id title path mark: image(role: SQUARE, width: 96) { ...Pic } }
    categories { id title path }
    start { id title path kind seasonNumber episodeNumber }
    sections { ...Rail }
    seasons { number title episodeCount episodes(first: 12) { ${VIDEOS} } }
    ${KINDS.map(([kind]) => `${kind}: videos(first: 12, filter: { kinds: [${kind}] }) { ${VIDEOS} }`).join('\n    ')}
    credits(first: 24) {
      totalCount
      edges { node { role character person { id title path tall: image(role: PORTRAIT) { ...Pic sources(widths: [160, 320]) { url width } } } } }
      pageInfo { hasNextPage endCursor }
    }
    related(first: 12) { ...ProgrammeCard }
    seo { title description }
  }
}
${RAIL}
${CARD}
${VIDEO_CARD}`

export const MORE_VIDEOS = `query MoreVideos($id: ID!, $first: Int!, $after: String, $filter: VideoFilter, $orderBy: VideoOrder! = NEWEST) {
  programme(by: { id: $id }) { list: videos(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { ${VIDEOS} } }
}
${PICTURE}
${VIDEO_CARD}`

export const MORE_CREDITS = `query MoreCredits($id: ID!, $first: Int!, $after: String) {
  programme(by: { id: $id }) {
    list: credits(first: $first, after: $after) {
      totalCount
      edges { node { role character person { id title path tall: image(role: PORTRAIT) { ...Pic sources(widths: [160, 320]) { url width } } } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
${PICTURE}`

export const VIDEO = `query Video($programme: String!, $video: String!) {
  video(by: { slug: { programme: $programme, video: $video } }) {
    id slug title path revision kind seasonNumber episodeNumber duration publishedAt
    synopsis(length: LONG)
    ageRating { code notBeforeHour }
    badges { kind label }
    availability { state from until territories offer }
    cover: image(role: THUMBNAIL) { ...Pic sources(widths: [640, 1280, 1920]) { url width } }
    programme { id title path }
    playback { streamId isLive hasDrm }
    tracks { audio subtitles deafSubtitles audioDescription }
    markers { kind start end }
    next { ...VideoCard }
    previous { ...VideoCard }
    seo { title description }
  }
}
${PICTURE}
${VIDEO_CARD}`

const MARK = 'fragment Mark on Progress { position duration ratio isFinished updatedAt }'

/** What is the viewer's own: two rails, and what they did with the programmes and videos of a public page. */
export const VIEWER = `query Viewer($ids: [ID!]!, $lists: Boolean!, $notBefore: ConsistencyToken) {
  viewer(notBefore: $notBefore) {
    watching: continueWatching(first: 24) @include(if: $lists) { edges { node { ...Mark video { ...VideoCard programme { title } } } } }
    favourites(first: 24) @include(if: $lists) { edges { node { target { ...ProgrammeCard ...VideoCard } } } }
    states(ids: $ids) {
      ... on ProgrammeViewerState { id: programmeId isFavourite next { title path kind seasonNumber episodeNumber } }
      ... on VideoViewerState { id: videoId isFavourite progress { ...Mark } }
    }
  }
}
${CARD}
${VIDEO_CARD}
${MARK}`

export const ADD = `mutation Add($input: FavouriteInput!) {
  done: addFavourite(input: $input) { problems { message } receipt { token } }
}`

export const REMOVE = `mutation Remove($input: FavouriteInput!) {
  done: removeFavourite(input: $input) { problems { message } receipt { token } }
}`

export const REPORT = `mutation Report($input: ReportProgressInput!) {
  done: reportProgress(input: $input) { problems { message } receipt { token } progress { ...Mark } }
}
${MARK}`

export const CHANNEL = `query Channel($slug: String!, $first: Int! = 21, $after: String, $orderBy: ProgrammeOrder! = NEWEST) {
  channel(by: { slug: $slug }) {
    id slug title path revision kind
    mark: image(role: SQUARE, width: 192) { ...Pic }
    list: programmes(first: $first, after: $after, orderBy: $orderBy) { totalCount ${PROGRAMMES} }
  }
}
${CARD}`

export const CATEGORY = `query Category($slug: String!, $first: Int! = 21, $after: String, $orderBy: ProgrammeOrder! = NEWEST) {
  category(by: { slug: $slug }) {
    id slug title path revision
    list: programmes(first: $first, after: $after, orderBy: $orderBy) { totalCount ${PROGRAMMES} }
  }
}
${CARD}`

export const PERSON = `query Person($slug: String!, $first: Int! = 21, $after: String, $orderBy: ProgrammeOrder! = NEWEST) {
  person(by: { slug: $slug }) {
    id slug title path revision biography
    tall: image(role: PORTRAIT) { ...Pic sources(widths: [200, 400, 600]) { url width } }
    list: credits(first: $first, after: $after, orderBy: $orderBy) {
      totalCount
      edges { node { role character programme { ...ProgrammeCard } } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
${CARD}`
