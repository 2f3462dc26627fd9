const said = new WeakMap()

/** Copies text and says so on the button for a moment; resolves to whether it could. */
export async function copy(text, button) {
  const copied = await write(text)
  // A second click while the button still says "Copied" must not take that for its name.
  const name = said.get(button)?.name ?? button.textContent
  clearTimeout(said.get(button)?.timer)
  button.textContent = copied ? 'Copied' : 'Press Ctrl+C'
  said.set(button, {
    name,
    timer: setTimeout(() => {
      button.textContent = name
      said.delete(button)
    }, 1600),
  })
  return copied
}

/** Buttons with data-copy="id" copy the text of the element of that id. */
export function wireCopyButtons(root) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', () => {
      const source = document.getElementById(button.dataset.copy)
      getSelection().selectAllChildren(source)
      copy(source.textContent, button).then((copied) => copied && getSelection().removeAllRanges())
    })
  }
}

// The clipboard is refused on plain http beyond localhost: the text stays selected, and a key away from being copied.
async function write(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
