import './workers.js'
import '@graphiql/react/style.css'
import '@graphiql/plugin-doc-explorer/style.css'
import '@graphiql/plugin-history/style.css'
import 'graphiql/graphiql.css'
import './page.css'
import { createRoot } from 'react-dom/client'
import { sample } from '../shared/examples.js'
import { savedScreen, saveScreen, screens } from '../shared/screens.js'
import { App } from './app.jsx'

// A link from the page for developers brings a query, its variables and a screen. They are taken out of the address, so that a
// reload shows what was edited since and not the link's query again.
const link = new URLSearchParams(location.search)
if (link.size) history.replaceState(null, '', location.pathname)
if (screens.some(({ id }) => id === link.get('screen'))) saveScreen(link.get('screen'))

const screen = savedScreen()
// GraphiQL still opens when the API does not answer in time; the examples then have empty variables.
const found = await sample(screen, { signal: AbortSignal.timeout(1500) })

createRoot(document.getElementById('app')).render(
  <App initialScreen={screen} found={found} query={link.get('query')} variables={link.get('variables')} />,
)
