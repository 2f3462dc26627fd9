import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker'
import JSONWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker'
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker'

// graphiql/setup-workers/vite does the same, and logs each worker to the console. Workers are files of this server,
// never blob: URLs, so that `worker-src 'self'` is enough.
globalThis.MonacoEnvironment = {
  getWorker(_, label) {
    if (label === 'json') return new JSONWorker()
    if (label === 'graphql') return new GraphQLWorker()
    return new EditorWorker()
  },
}
