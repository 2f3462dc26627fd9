import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { createGraphiQLFetcher } from '@graphiql/toolkit'
import { GraphiQL } from 'graphiql'
import { useEffect, useState } from 'react'
import { examples } from '../shared/examples.js'
import { endpoint, saveScreen, screens } from '../shared/screens.js'

const fetchers = Object.fromEntries(screens.map(({ id }) => [id, createGraphiQLFetcher({ url: endpoint(id) })]))

// GraphiQL reads the schema again whenever it is given another fetcher. The schema is the same for every screen, so it
// is given one, which looks up the screen at each request.
let current
const fetcher = (...request) => fetchers[current](...request)

export function App({ initialScreen, found, query, variables }) {
  const [screen, setScreen] = useState(initialScreen)
  current = screen

  const tabs = examples.map((example) => ({
    query: example.query,
    variables: JSON.stringify(example.variables(found), null, 2),
  }))
  // These are for the first visit, GraphiQL keeps the tabs after that; a link's query gets a tab in both cases. What is
  // to be open is told apart, because GraphiQL leaves the variables of a first default tab out.
  const defaultTabs = query ? [{ query, variables }, ...tabs.filter((tab) => tab.query !== query)] : tabs
  const open = query || !visitedBefore() ? defaultTabs[0] : {}

  return (
    <>
      <header className="bar">
        <a className="brand" href="/">
          <span className="lamp" aria-hidden="true" />
          Regie
        </a>
        <Screens
          screen={screen}
          onChange={(next) => {
            saveScreen(next)
            setScreen(next)
          }}
        />
        <code className="endpoint">{endpoint(screen)}</code>
      </header>
      <main className="explorer">
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={defaultTabs}
          defaultEditorToolsVisibility="variables"
          inputValueDeprecation
          schemaDescription
          initialQuery={open.query}
          initialVariables={open.variables}
        >
          <GraphiQL.Logo>
            <Product />
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  )
}

function visitedBefore() {
  try {
    return localStorage.getItem('graphiql:tabState') !== null
  } catch {
    return false
  }
}

// Monaco takes the system's theme once; GraphiQL's own colours follow it when it changes, and so must the editors.
function Product() {
  const { setTheme } = useGraphiQLActions()
  const chosen = useGraphiQL((state) => state.theme)
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)')
    const follow = () => chosen ?? setTheme(null)
    system.addEventListener('change', follow)
    return () => system.removeEventListener('change', follow)
  }, [chosen, setTheme])
  return <span className="product">GraphiQL</span>
}

function Screens({ screen, onChange }) {
  return (
    <fieldset className="screens">
      <legend>Screen</legend>
      <div>
        {screens.map(({ id, label }) => (
          <label key={id}>
            <input type="radio" name="screen" value={id} checked={id === screen} onChange={() => onChange(id)} />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  )
}
