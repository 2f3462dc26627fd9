import { post } from './query.js'

/**
 * The example queries, on the page for developers and as GraphiQL's first tabs. `variables` takes a sample of what the
 * catalogue really has, so that no slug is written down here: see pick().
 */
export const examples = [
  {
    id: 'latest',
    title: 'The latest programmes',
    about: 'A page of the catalogue, newest first, with the cursor of the next one.',
    query: `query Latest($first: Int = 3) {
  programmes(first: $first, orderBy: NEWEST) {
    totalCount
    edges {
      node {
        id
        title
        kind
        year
        path
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,
    variables: () => ({ first: 3 }),
  },
  {
    id: 'programme',
    title: 'A programme’s page',
    about: 'A programme by its slug, its cover and its first episodes: all in one round trip.',
    query: `query ProgrammePage($slug: String!) {
  programme(by: { slug: $slug }) {
    title
    year
    countries
    synopsis(length: MEDIUM)
    image(role: COVER) {
      url
      width
      height
      alt
    }
    videos(first: 3, orderBy: EPISODE) {
      totalCount
      edges {
        node {
          seasonNumber
          episodeNumber
          title
          duration
        }
      }
    }
  }
}`,
    variables: ({ programme }) => ({ slug: programme?.slug ?? '' }),
  },
  {
    id: 'video',
    title: 'A video, by its path',
    about: 'A video’s slug is unique within its programme, so it takes both, as the path does.',
    query: `query Video($by: VideoBy!) {
  video(by: $by) {
    title
    path
    kind
    duration
    publishedAt
    image {
      url
      alt
    }
    programme {
      title
      path
    }
  }
}`,
    variables: ({ programme, video }) => ({ by: { slug: { programme: programme?.slug ?? '', video: video?.slug ?? '' } } }),
  },
  {
    id: 'node',
    title: 'Anything, by its id',
    about: 'Ids are global. The revision grows each time the projection changes: it is what a cache compares.',
    query: `query Anything($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Content {
      title
      path
      revision
    }
    ... on Programme {
      year
    }
    ... on Video {
      duration
      publishedAt
    }
  }
}`,
    variables: ({ programme }) => ({ id: programme?.id ?? '' }),
  },
]

const SAMPLE = `query Sample {
  programmes(first: 12) {
    edges { node { id slug title videos(first: 1) { edges { node { slug } } } } }
  }
}`

/** Of these programmes, one to fill the examples' variables with and a video of it: one that has a video, if any has. */
export function pick(programmes) {
  const found = programmes.map((programme) => ({ programme, video: programme.videos.edges.find(({ node }) => node)?.node }))
  return found.find(({ video }) => video) ?? found[0] ?? {}
}

/** pick() of what the API has. Empty, as the variables then are, while the catalogue is or when nothing answers. */
export async function sample(screen, options) {
  try {
    const { body } = await post(screen, { query: SAMPLE }, options)
    return pick(body.data.programmes.edges.map(({ node }) => node).filter(Boolean))
  } catch {
    return {}
  }
}
