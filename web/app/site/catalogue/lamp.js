import { ago, amount } from '../../shared/format.js'

/** The light in the header: how long the last edit took from the CMS to GraphQL. */
export function lamp(root) {
  const text = root.querySelector('[data-part=text]')
  let known = ''
  const self = {
    state: 'connecting',
    set(state, said) {
      self.state = root.dataset.state = state
      text.textContent = said
    },
    live: () => self.set('live', known || 'live'),
    lost: () => self.set('lost', 'offline'),
    show(edit) {
      const { value, unit } = amount(edit.millis)
      known = `${value} ${unit}`
      root.title = `Last edit: ${edit.title || edit.id}, visible ${value} ${unit} after it was made, ${ago(edit.visibleAt)}`
      self.set('live', known)
      root.classList.remove('fresh')
      void root.offsetWidth
      root.classList.add('fresh')
    },
  }
  return self
}
