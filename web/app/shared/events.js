const RETRY = [500, 1000, 2000, 5000]
// A browser allows six connections per host, of all tabs together: one that nobody looks at gives its own back.
const UNSEEN = 60_000

/**
 * Follows an event stream for as long as the page lives. An EventSource reconnects by itself only after a network
 * error: one HTTP error (a proxy's 502 while Regie restarts) closes it for good, so that a closed one is replaced.
 */
export function follow(url, name, { onOpen, onEvent, onLost }) {
  let source, timer, unseen
  let failures = 0

  function open() {
    clearTimeout(timer)
    source = new EventSource(url)
    source.onopen = () => {
      failures = 0
      onOpen()
    }
    source.addEventListener(name, ({ data }) => onEvent(JSON.parse(data)))
    source.onerror = () => {
      onLost()
      // Never wait for the browser's own retry, whose delay differs and can be long.
      source.close()
      timer = setTimeout(open, RETRY[Math.min(failures++, RETRY.length - 1)])
    }
  }

  document.addEventListener('visibilitychange', () => {
    clearTimeout(unseen)
    if (!document.hidden) {
      if (source.readyState === EventSource.CLOSED) open()
    } else {
      unseen = setTimeout(() => {
        clearTimeout(timer)
        source.close()
        onLost()
      }, UNSEEN)
    }
  })

  // A page kept for the back button must not keep one of the few connections a browser allows per host.
  addEventListener('pagehide', () => {
    clearTimeout(timer)
    source.close()
  })
  addEventListener('pageshow', ({ persisted }) => persisted && open())
  open()
}
