import { endpoint } from './screens.js'

/**
 * Posts one operation and resolves to { status, millis, bytes, body }: a GraphQL error is an answer like another, in
 * body.errors. Rejects, with a message for people, when there is no answer or it is not JSON. With a token it is asked in
 * its viewer's name; with keepalive it outlives the page.
 */
export async function post(screen, { query, variables }, { signal, territory, token, keepalive } = {}) {
  const address = endpoint(screen, territory)
  const started = performance.now()
  let response, text
  try {
    response = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...(token && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query, variables }),
      signal,
      keepalive,
    })
    text = await response.text()
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Error('Regie does not answer. Is it still running?', { cause })
  }
  const millis = performance.now() - started
  const bytes = new TextEncoder().encode(text).length
  try {
    return { status: response.status, millis, bytes, body: JSON.parse(text) }
  } catch (cause) {
    throw new Error(`${address} answered ${response.status} with something other than JSON.`, { cause })
  }
}
