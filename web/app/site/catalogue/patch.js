// The pages are functions from data to trees of h(); patch() brings the DOM to such a tree with as few changes as it
// takes, so that an edit that arrives leaves scroll, focus, open panels and what is being typed as they are.

/** An element of a tree. Of its children, what is null, undefined, false or '' is left out; lists are flattened. */
export const h = (tag, props, ...children) => ({
  tag,
  props: props ?? {},
  children: children.flat(Infinity).filter((child) => child != null && child !== false && child !== ''),
})

const trees = new WeakMap()

/**
 * Makes `children` the content of an element. Properties:
 * key (its identity among its siblings, through changes and moves), on* (handlers), made (called once, with the new
 * element), own (its content is somebody else's); all others are attributes. What the visitor changed since, such as
 * `open`, `value` or `hidden`, stays until the tree itself says otherwise. `changed`, if given, is called with each element
 * whose text, image or existence is new.
 */
export function patch(parent, children, changed) {
  const keyed = new Map()
  const others = []
  for (const node of parent.childNodes) {
    const key = trees.get(node)?.props.key
    if (key === undefined) others.push(node)
    else keyed.set(key, node)
  }
  const wanted = children.map((child) => {
    const known = child.props?.key === undefined ? others.find((node) => fits(node, child)) : keyed.get(child.props.key)
    if (!known || !fits(known, child)) return [child]
    if (child.props?.key === undefined) others.splice(others.indexOf(known), 1)
    else keyed.delete(child.props.key)
    return [child, known]
  })
  // What is gone goes first: moving what follows would cost it its focus.
  for (const node of [...others, ...keyed.values()]) node.remove()
  let at = parent.firstChild
  for (const [child, known] of wanted) {
    const node = known ?? create(child)
    if (node === at) at = at.nextSibling
    else parent.insertBefore(node, at)
    if (known) update(node, child, changed)
    else if (changed) changed(node instanceof Element ? node : parent)
  }
}

/** Without a key, an element is known by its tag and class. */
function fits(node, child) {
  if (!child.tag) return node.nodeType === Node.TEXT_NODE
  return node.localName === child.tag && trees.get(node)?.props.class === child.props.class
}

function create(child) {
  if (!child.tag) return document.createTextNode(child)
  const node = document.createElement(child.tag)
  for (const [name, value] of Object.entries(child.props)) set(node, name, value)
  trees.set(node, child)
  if (!child.props.own) patch(node, child.children)
  child.props.made?.(node)
  return node
}

function update(node, child, changed) {
  if (!child.tag) {
    const text = String(child)
    if (node.data === text) return
    node.data = text
    changed?.(node.parentElement)
    return
  }
  const before = trees.get(node)?.props ?? {}
  for (const name of Object.keys(before)) if (!(name in child.props)) set(node, name, null)
  for (const [name, value] of Object.entries(child.props)) {
    if (before[name] === value) continue
    set(node, name, value)
    if (name === 'src') changed?.(node)
  }
  trees.set(node, child)
  if (!child.props.own) patch(node, child.children, changed)
}

function set(node, name, value) {
  if (name === 'key' || name === 'made' || name === 'own') return
  if (name.startsWith('on')) node[name] = value
  else if (value == null || value === false) node.removeAttribute(name)
  else node.setAttribute(name, value === true ? '' : value)
}
