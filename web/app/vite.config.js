import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'
import { trimMonaco } from './graphiql/trim-monaco.js'
import { fontLicences } from './shared/font-licences.js'

// Two builds instead of one with two entries: the site must never end up importing a chunk it shares with
// GraphiQL, which is three hundred times its size.
const pages = {
  site: ['index.html', 'developers.html', '404.html'],
  graphiql: ['index.html'],
}

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig(({ mode: name }) => ({
  root: here(`./${name}`),
  // The Go handler serves dist/{name}/ under this path, as files that never change: all but the HTML bears a hash.
  base: `/assets/${name}/`,
  plugins: name === 'graphiql' ? [trimMonaco(), fontLicences()] : [fontLicences()],
  resolve: {
    alias: [{ find: /^prettier\/(plugins\/estree|parser-babel)$/, replacement: here('./graphiql/json-format.js') }],
  },
  build: {
    outDir: here(`../dist/${name}`),
    emptyOutDir: true,
    assetsDir: '',
    // data: URLs would need a wider Content-Security-Policy, so that every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    target: 'es2022',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 4096,
    license: name === 'graphiql' && { fileName: 'licenses.md' },
    rolldownOptions: {
      input: pages[name].map((page) => here(`./${name}/${page}`)),
      // "use client" says nothing to a bundle for browsers, and is said by a hundred modules.
      checks: { moduleLevelDirective: false },
    },
  },
  worker: { format: 'es' },
  // For `npm run dev:*`: the pages reload as they are edited and everything else comes from a running Regie.
  server: {
    proxy: Object.fromEntries(['/query', '/freshness', '/posters', '/cms', '/sign-in'].map((path) => [path, 'http://127.0.0.1:8080'])),
  },
}))
