/** The elements a panel marks with data-part, by that name. */
export function parts(root) {
  return Object.fromEntries([...root.querySelectorAll('[data-part]')].map((el) => [el.dataset.part, el]))
}

/** A new element. Text is always set as text: the page's policy forbids markup made from strings. */
export function el(name, props = {}, ...children) {
  const node = Object.assign(document.createElement(name), props)
  node.append(...children)
  return node
}

/** Plays an element's CSS animation again, even when it is in the middle of one. */
export function replay(node, className) {
  node.classList.remove(className)
  void node.offsetWidth
  node.classList.add(className)
}
