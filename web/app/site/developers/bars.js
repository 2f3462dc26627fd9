import { amount, describe } from '../../shared/format.js'

const SVG = 'http://www.w3.org/2000/svg'
const [WIDTH, HEIGHT, GAP] = [300, 64, 3]

/**
 * Draws one bar per edit, the newest at the right, in `slots` places. Heights grow with the square root: one slow edit
 * would otherwise flatten all the others.
 */
export function drawBars(svg, edits, slots) {
  const slowest = Math.max(1, ...edits.map(({ millis }) => millis))
  const step = WIDTH / slots
  const bars = []
  for (let slot = 0; slot < slots; slot++) {
    const edit = edits[edits.length - slots + slot]
    const height = edit ? Math.max(4, HEIGHT * Math.sqrt(Math.max(0, edit.millis) / slowest)) : 2
    const bar = document.createElementNS(SVG, 'rect')
    for (const [name, value] of Object.entries({ x: slot * step, y: HEIGHT - height, width: step - GAP, height })) {
      bar.setAttribute(name, value.toFixed(2))
    }
    bar.setAttribute('class', !edit ? 'slot' : slot === slots - 1 ? 'last' : 'past')
    if (edit) {
      const { value, unit } = amount(edit.millis)
      const title = document.createElementNS(SVG, 'title')
      title.textContent = `${value} ${unit}, ${edit.title}`
      bar.append(title)
    }
    bars.push(bar)
  }
  svg.replaceChildren(...bars)
  svg.setAttribute('aria-label', describe(edits))
}
