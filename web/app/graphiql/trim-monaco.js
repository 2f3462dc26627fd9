// What Monaco loads by default and an editor of GraphQL and JSON never shows. F1, find, suggestions, hovers, folding,
// multiple cursors and the like stay.
const unused = [
  'browser/widget/diffEditor/',
  'contrib/codelens/',
  'contrib/colorPicker/',
  'contrib/diffEditorBreadcrumbs/',
  'contrib/documentSymbols/',
  'contrib/dropOrPasteInto/',
  'contrib/inPlaceReplace/',
  'contrib/inlayHints/',
  'contrib/inlineCompletions/',
  'contrib/inlineEdit/',
  'contrib/inlineEdits/',
  'contrib/linkedEditing/',
  'contrib/rename/',
  'contrib/sectionHeaders/',
  'contrib/semanticTokens/',
  'contrib/stickyScroll/',
  'contrib/suggest/browser/suggestInlineCompletions',
  // It frames every typographic apostrophe as a confusable character, and French has one per line.
  'contrib/unicodeHighlighter/',
  'standalone/browser/inspectTokens/',
  'standalone/browser/quickAccess/standaloneGotoSymbolQuickAccess',
]

/** A Vite plugin that leaves these out, worth a megabyte. Fails when Monaco no longer has one: the list is then stale. */
export function trimMonaco() {
  return {
    name: 'trim-monaco',
    transform: {
      filter: { id: /monaco-editor\/esm\/vs\/editor\/(editor\.all|edcore\.main)\.js$/ },
      handler(code, id) {
        const inAll = id.endsWith('editor.all.js')
        for (const path of unused.filter((path) => path.startsWith('standalone/') !== inAll)) {
          const trimmed = code.replaceAll(new RegExp(`^import '\\./${path}.*\n`, 'gm'), '')
          if (trimmed === code) this.error(`${path} is not imported`)
          code = trimmed
        }
        return { code, map: null }
      },
    },
  }
}
