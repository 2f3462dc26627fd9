/** A remote control's arrows: along a row of cards, and from row to row. */
export function arrowKeys(root, isOn) {
  root.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key]
    const link = event.target.closest?.('li > a')
    if (!step || !link || !isOn() || event.altKey || event.ctrlKey || event.metaKey) return
    const row = link.closest('ul, ol')
    const within = (list) => [...list.querySelectorAll(':scope > li > a')]
    let next
    if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      const links = within(row)
      next = links[links.indexOf(link) + step]
    } else {
      const rows = [...root.querySelectorAll('ul, ol')].filter((list) => list.querySelector(':scope > li > a') && list.checkVisibility())
      const other = rows[rows.indexOf(row) + step]
      next = other && nearest(link, within(other))
    }
    if (!next) return
    event.preventDefault()
    next.focus()
  })
}

const middle = (element) => {
  const { left, width } = element.getBoundingClientRect()
  return left + width / 2
}

const nearest = (from, links) =>
  links.reduce((best, link) => (Math.abs(middle(link) - middle(from)) < Math.abs(middle(best) - middle(from)) ? link : best))
