import { el } from '../../shared/dom.js'
import { screens } from '../../shared/screens.js'
import { country } from './words.js'

const TERRITORIES = ['FR', 'BE', 'CH', 'LU', 'MC', 'DE', 'ES', 'PL', 'GB', 'CA', 'US', 'JP']

/** The header's choice of screen and territory, which the address holds. */
export function controls({ onChange }) {
  const fieldset = document.getElementById('screen')
  const select = document.getElementById('territory')
  for (const { id, label } of screens) fieldset.append(el('label', {}, el('input', { type: 'radio', name: 'screen', value: id }), label))
  const option = (code) => el('option', { value: code, textContent: `${code} ${country(code)}` })
  select.append(...TERRITORIES.map(option))
  fieldset.addEventListener('change', ({ target }) => onChange({ screen: target.value }))
  select.addEventListener('change', () => onChange({ territory: select.value }))
  return {
    show({ screen, territory }, href) {
      fieldset.querySelector(`[value=${screen}]`).checked = true
      if (![...select.options].some(({ value }) => value === territory)) select.append(option(territory))
      select.value = territory
      for (const link of document.querySelectorAll('[data-home]')) link.href = href('/')
    },
  }
}
