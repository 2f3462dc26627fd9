const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 })

/** A duration in the unit it is read best in. */
export function amount(millis) {
  if (millis < 10_000) return { value: String(Math.round(millis)), unit: 'ms' }
  if (millis < 600_000) return { value: (millis / 1000).toFixed(millis < 100_000 ? 1 : 0), unit: 's' }
  return { value: String(Math.round(millis / 60_000)), unit: 'min' }
}

export const clock = (instant) => time.format(new Date(instant))

/** How long ago, coarsely. The server's clock may be ahead of the browser's: the future is now. */
export function ago(instant) {
  const seconds = Math.round((Date.now() - new Date(instant)) / 1000)
  if (seconds < 2) return 'just now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86400)} d ago`
}

export function size(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`
}

/** A sentence on a list of edits, for the eye and for screen readers. */
export function describe(edits) {
  const sorted = edits.map(({ millis }) => millis).sort((a, b) => a - b)
  const text = (millis) => Object.values(amount(millis)).join(' ')
  if (sorted.length === 0) return 'no edit seen yet'
  if (sorted.length === 1) return 'one edit seen; the next ones will be drawn beside it'
  return `last ${sorted.length} edits: median ${text(sorted[Math.floor((sorted.length - 1) / 2)])}, slowest ${text(sorted.at(-1))}`
}
