import { readFileSync } from 'node:fs'

const fonts = ['bricolage-grotesque', 'fira-code']

/** A Vite plugin that puts the fonts' licence beside them, as it asks to. */
export function fontLicences() {
  return {
    name: 'font-licences',
    generateBundle() {
      const read = (font) => readFileSync(new URL(`../node_modules/@fontsource-variable/${font}/LICENSE`, import.meta.url), 'utf8')
      this.emitFile({ type: 'asset', fileName: 'fonts.txt', source: fonts.map(read).join('\n\n----\n\n') })
    },
  }
}
