// The site as a visitor, an editor and a keyboard meet it, in a headless Chromium: `make test-browser`.

import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { startChromium, startRegie } from './regie.js'

const AVAILABLE = 'query { programmes(first: 5) { edges { node { id slug title path } } } }'
const MILLIS = /\d+ ms/
const PATIENCE = 60_000

let regie, chromium, programmes
const visits = []

before(async () => {
  chromium = await startChromium()
  regie = await startRegie()
  programmes = (await regie.query(AVAILABLE)).programmes.edges.map(({ node }) => node)
}, { timeout: 300_000 })

after(async () => {
  await chromium?.close()
  await regie?.stop()
})

/** Opens a page that keeps an account of what must not happen: errors, requests elsewhere; and of documents loaded. */
async function visit(path, options = {}) {
  const context = options.context ?? (await chromium.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' }))
  const page = await context.newPage()
  const account = { page, problems: [], documents: 0, answers: [] }
  page.setDefaultTimeout(PATIENCE)
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !options.expected?.test(message.text())) account.problems.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => account.problems.push(`error: ${error.stack}`))
  page.on('request', (request) => {
    if (!request.url().startsWith(regie.site) && !request.url().startsWith('data:')) account.problems.push(`a request elsewhere: ${request.url()}`)
    if (request.isNavigationRequest()) account.documents++
  })
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (pathname.startsWith('/query')) account.answers.push({ url: response.url(), body: response.json().catch(() => null) })
  })
  visits.push({ account, context })
  account.response = await page.goto(regie.site + path)
  return account
}

// No page of any test may have logged an error or asked another host.
afterEach(async () => {
  const problems = visits.flatMap(({ account }) => account.problems)
  await Promise.all(visits.splice(0).map(({ context }) => context.close()))
  assert.deepEqual(problems, [])
})

const named = (page, title) => page.getByRole('region', { name: title, exact: true })
const heading = (page, text) => page.getByRole('heading', { level: 1, name: text, exact: true })
const until = (page, fn, arg) => page.waitForFunction(fn, arg, { timeout: PATIENCE, polling: 25 })

/** From here on, window.lit says whether something of that text was alight, which is soon over. */
const lightsUp = (page, selector, text = '') => page.evaluate(([selector, text]) => {
  const look = () => (window.lit ||= [...document.querySelectorAll(selector)].some(({ textContent }) => textContent.includes(text)))
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributeFilter: ['class'] })
}, [selector, text])

test('what opens a while after the start comes in by itself', async () => {
  const visitor = await visit('/')
  await named(visitor.page, 'Vient d’arriver').getByText('Une minute de patience').waitFor()
  assert.equal(visitor.documents, 1)
})

test('the home shows the editors’ rails, the channels’ and the categories', async () => {
  const { page, answers } = await visit('/')
  await page.locator('.hero-rail .card').first().waitFor()
  const { page: home, channels } = await regie.query('{ page { sections(first: 16) { edges { node { title source isPersonal } } } } channels { title } }')
  const titles = await page.locator('main h2').allTextContents()
  // What is watched most may be nothing yet.
  const rails = home.sections.edges.map(({ node }) => node).filter(({ source, isPersonal }) => source !== 'TOP' && !isPersonal)
  for (const { title } of [...rails, ...channels]) if (title) assert.ok(titles.includes(title), `no rail ${title}`)
  assert.ok(titles.includes('Categories'))
  assert.equal(answers.length, 1, 'the first view is one query')
  // Its images come, in an address that the API gave, and it has words for those who do not see them.
  await until(page, () => document.querySelector('.hero-rail img').naturalWidth > 0)
  assert.ok(await page.locator('.hero-rail img').first().getAttribute('srcset'))
  assert.equal(await page.locator('ol .rank').first().textContent(), '1')
})

test('a programme’s sections follow edits, and the clock', async () => {
  const visitor = await visit('/hotel-des-tilleuls')
  const { page } = visitor
  const become = (there, gone) => until(page, ([there, gone]) => {
    const cards = [...document.querySelectorAll('[aria-label=Bonus] .card .name')].map(({ textContent }) => textContent)
    return cards.length === 10 && cards.includes(there) && !cards.includes(gone)
  }, [there, gone])
  await become('Une minute au standard') // opens a while after the start
  const { programme } = await regie.query('{ programme(by: { slug: "hotel-des-tilleuls" }) { videos(first: 12, filter: { kinds: [BONUS] }) { edges { node { id title } } } } }')
  const bonuses = programme.videos.edges.map(({ node }) => node)

  // One of the ten is none any more, and the eleventh comes in.
  await regie.set('video', bonuses[1].id, { kind: 'EXTRACT' })
  await become(bonuses[10].title, bonuses[1].title)
  // One opens in an hour: until then another has its place. No, it opens in some seconds.
  const opens = (ms) => regie.set('video', bonuses[2].id, { rights: [{ from: { $date: new Date(Date.now() + ms).toISOString() } }] })
  await opens(3_600_000)
  await become(bonuses[11].title, bonuses[2].title)
  await opens(5000)
  await become(bonuses[2].title, bonuses[11].title)
  assert.equal(visitor.documents, 1)
})

test('what is watched most is ranked, and says whose doing that is', async () => {
  const { page } = await visit('/')
  const rail = named(page, 'En ce moment')
  await rail.locator('.card').nth(4).waitFor()
  assert.deepEqual((await rail.locator('.rank').allTextContents()).slice(0, 5), ['1', '2', '3', '4', '5'])
  await rail.getByText('pretend viewers').waitFor()
})

test('a card leads to its programme without a document, and the back button back', async () => {
  const visitor = await visit('/')
  const { page } = visitor
  const card = page.locator('[data-layout=CAROUSEL] .card a').first()
  const name = await card.locator('.name').textContent()
  await card.scrollIntoViewIfNeeded()
  const y = await page.evaluate(() => scrollY)
  await card.click()
  await heading(page, name).waitFor()
  assert.match(await page.title(), /· Regie$/)
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'h1', 'the focus is where reading begins')
  await page.getByRole('heading', { name: 'Credits' }).waitFor()
  await page.goBack()
  await page.locator('.hero-rail .card').first().waitFor()
  await until(page, (y) => Math.abs(scrollY - y) < 2, y)
  await page.goForward()
  await heading(page, name).waitFor()
  assert.equal(visitor.documents, 1)
})

test('one document, formatted for three screens', async () => {
  const visitor = await visit(programmes[0].path)
  const { page, answers } = visitor
  await heading(page, programmes[0].title).waitFor()
  for (const screen of ['Mobile', 'IPTV']) {
    const asked = page.waitForResponse((response) => new URL(response.url()).pathname === `/query/${screen.toLowerCase()}`)
    await page.getByRole('radio', { name: screen }).check()
    await asked
    await until(page, (screen) => location.search.includes(screen), `screen=${screen.toLowerCase()}`)
    assert.equal(await page.evaluate(() => document.documentElement.dataset.screen), screen.toLowerCase())
  }
  const bodies = await Promise.all(answers.map(({ body }) => body)) // none of what was asked again meanwhile
  const covers = bodies.filter(Boolean).map(({ data }) => data.programme.cover)
  assert.equal(new Set(covers.map(({ width }) => width)).size, 3, `cover widths ${covers.map(({ width }) => width)}`)
  assert.equal(visitor.documents, 1)
  // The choice stays as one goes on.
  await page.locator('a[data-home]').click()
  await page.locator('.hero-rail .card').first().waitFor()
  assert.match(page.url(), /\?screen=iptv$/)
  // And a remote control's arrows go from card to card.
  await page.locator('[data-layout=CAROUSEL] .card a').first().focus()
  await page.keyboard.press('ArrowRight')
  assert.ok(await page.locator('[data-layout=CAROUSEL] .card').nth(1).locator('a').evaluate((link) => link === document.activeElement))
})

test('an edit in the form comes back to the page, and to another tab, by itself', async () => {
  const { title, path } = programmes[0]
  const editor = await visit(path)
  const { page } = editor
  const { context } = visits[0]
  const other = await visit('/', { context })
  await other.page.locator('.name', { hasText: title }).first().waitFor({ state: 'attached' })
  await page.bringToFront()
  await heading(page, title).waitFor()
  const details = page.locator('details').first()
  if (await details.count()) await details.locator('summary').click() // closed, and to stay so

  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  const field = page.getByLabel('Title')
  await until(page, () => document.getElementById('edit-title').value !== '')
  assert.equal(await field.inputValue(), title)
  await field.fill(`${title}, autrement`)
  await page.getByRole('button', { name: 'Save' }).focus()
  const y = await page.evaluate(() => scrollY)
  await lightsUp(page, 'h1.changed')
  await page.keyboard.press('Enter')

  await heading(page, `${title}, autrement`).waitFor()
  await until(page, () => /seen on this page \d+ ms/.test(document.querySelector('.editor .result').textContent))
  assert.match(await page.locator('#arrival').textContent(), MILLIS)
  assert.match(await page.locator('#lamp').textContent(), MILLIS)
  assert.ok(await page.evaluate(() => window.lit), 'what changed lights up')
  assert.equal(editor.documents, 1, 'no document was loaded again')
  assert.equal(await page.evaluate(() => scrollY), y, 'the page did not move')
  assert.equal(await field.inputValue(), `${title}, autrement`, 'the panel is still open')
  if (await details.count()) assert.equal(await details.evaluate(({ open }) => open), false, 'what was closed stays so')

  await other.page.bringToFront()
  await other.page.locator('.name', { hasText: `${title}, autrement` }).first().waitFor({ state: 'attached' })
  assert.equal(other.documents, 1)

  // What the CMS would refuse is told in place, and not sent.
  await page.bringToFront()
  await field.fill('')
  await page.getByLabel('Year').fill('12')
  await page.getByRole('button', { name: 'Save' }).click()
  assert.equal(await page.locator('#edit-title-told').textContent(), 'A programme needs a title.')
  assert.match(await page.locator('#edit-year-told').textContent(), /A year from 1880/)
  assert.equal(await field.getAttribute('aria-invalid'), 'true')
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'edit')
})

test('an edit elsewhere shows up on whatever page is open, and spares what is being typed', async () => {
  const { id, title, path } = programmes[1]
  const { page } = await visit(path)
  await heading(page, title).waitFor()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await until(page, () => document.getElementById('edit-title').value !== '')
  const synopsis = page.getByLabel('Short synopsis')
  await synopsis.fill('En train d’écrire')
  await regie.set('programme', id, { title: `${title} (ailleurs)` })
  await heading(page, `${title} (ailleurs)`).waitFor()
  await until(page, (wanted) => document.getElementById('edit-title').value === wanted, `${title} (ailleurs)`)
  assert.equal(await synopsis.inputValue(), 'En train d’écrire')
  assert.ok(await synopsis.evaluate((field) => field === document.activeElement), 'the focus stayed')
  assert.match(await page.locator('#arrival').textContent(), MILLIS)
})

test('the form’s other fields: the year, the age, and rights that close at once', async () => {
  const { id, title, path } = programmes[2]
  await regie.set('programme', id, { rights: null })
  const { page } = await visit(path)
  await heading(page, title).waitFor()
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await until(page, () => document.getElementById('edit-title').value !== '')
  await page.getByLabel('Year').fill('1999')
  await page.getByLabel('Age rating').selectOption('AGE_16')
  await page.getByLabel('Offer').selectOption('MAX')
  await page.getByLabel('Available until').fill('2040-05-01T00:00')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.availability[data-state=OFFER_REQUIRED]', { hasText: '1 May 2040' }).waitFor()
  assert.match(await page.locator('.facts').textContent(), /1999.*From 16 years/)
  await page.getByLabel('Available until').fill('2020-05-01T00:00')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.availability[data-state=EXPIRED]', { hasText: 'No longer available since 1 May 2020' }).waitFor()
})

test('what cannot be watched here says why', async () => {
  const { id, title, path } = programmes[3]
  await regie.set('programme', id, { rights: [{ territories: ['FR', 'BE'] }] })
  const { page } = await visit(`${path}?territory=US`)
  await heading(page, title).waitFor()
  await page.locator('.availability[data-state=GEO_BLOCKED]', { hasText: 'Not available in the United States. Only in France and Belgium.' }).waitFor()
  await page.locator('#territory').selectOption('BE')
  await page.locator('.availability[data-state=AVAILABLE]').waitFor()
  assert.match(page.url(), /\?territory=BE$/)
  await regie.set('programme', id, { rights: [{ screens: ['web'] }] })
  await page.getByRole('radio', { name: 'IPTV' }).check()
  await page.locator('.availability[data-state=NOT_ON_THIS_SCREEN]', { hasText: 'Not available on TV boxes.' }).waitFor()
})

test('the form by the keyboard alone', async () => {
  const { title, path } = programmes[4]
  const { page } = await visit(path)
  await heading(page, title).waitFor()
  await page.keyboard.press('Tab')
  for (let n = 0; n < 40 && (await page.evaluate(() => document.activeElement.id)) !== 'edit'; n++) await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'edit', 'Tab reaches the button')
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'edit-title')
  await until(page, () => document.getElementById('edit-title').value !== '')
  await page.keyboard.press('End')
  await page.keyboard.type(' !')
  await page.keyboard.press('Enter')
  await heading(page, `${title} !`).waitFor()
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'edit')
})

test('videos, channels, people, categories and pages have pages of their own', async () => {
  const { programmes: found, channels, categories } = await regie.query(`{
    programmes(first: 1, filter: { kinds: [SERIES] }) { edges { node { path start { title path } credits(first: 1) { edges { node { person { title path } } } } } } }
    channels { title path } categories { title path }
  }`)
  const { start, credits } = found.edges[0].node
  const visitor = await visit(start.path)
  const { page } = visitor
  await heading(page, start.title).waitFor()
  await page.getByRole('heading', { name: 'In this video' }).waitFor()
  await page.getByRole('navigation', { name: 'Before and after' }).getByRole('link').first().waitFor()
  for (const { title, path } of [channels[0], categories[0], credits.edges[0].node.person]) {
    await page.goto(regie.site + path)
    await heading(page, title).waitFor()
    await page.getByRole('link', { name: 'By title' }).click()
    await until(page, () => document.querySelector('.orders [aria-current]').textContent === 'By title')
    assert.match(page.url(), /\?order=title$/)
    await page.locator('main .grid .card').first().waitFor()
  }
  await page.goto(`${regie.site}/page/home`)
  await page.locator('.hero-rail .card').first().waitFor()
})

test('a list goes on by cursor, and stays read as edits come', async () => {
  const several = Array.from({ length: 60 }, (_, n) => ({ _id: `long-${n}`, slug: `long-${n}`, title: `Numéro ${n}`, kind: 'FILM', genres: ['longue liste'] }))
  await regie.put('programme', several)
  const { page } = await visit('/category/longue-liste?order=title')
  await page.locator('main .grid .card').first().waitFor()
  await until(page, () => document.querySelector('main .head p')?.textContent === '60 programmes')
  const more = page.getByRole('button', { name: /^More/ })
  const before = await page.locator('main .grid .card').count()
  await more.click()
  await until(page, (before) => document.querySelectorAll('main .grid .card').length > before, before)
  await more.click()
  await until(page, () => document.querySelectorAll('main .grid .card').length === 60)
  assert.equal(await more.count(), 0)
  const last = await page.locator('main .grid .card .name').last().textContent()
  await lightsUp(page, 'main .grid .card.changed .name', 'et dernier')
  await regie.set('programme', several.find(({ title }) => title === last)._id, { title: `${last}, et dernier` })
  await until(page, () => window.lit)
  assert.equal(await page.locator('main .grid .card').count(), 60)
})

test('a page of many rails goes on, too', async () => {
  const { programmes } = await regie.query(AVAILABLE)
  const cards = [{ target: programmes.edges[0].node.id }]
  await regie.put('page', [{ _id: 'many', slug: 'many', title: 'Beaucoup', sections: Array.from({ length: 20 }, (_, n) => ({ title: `Rail ${n}`, cards })) }])
  const { page } = await visit('/page/many')
  await named(page, 'Rail 15').waitFor()
  assert.equal(await named(page, 'Rail 16').count(), 0)
  await page.getByRole('button', { name: /^More/ }).click()
  await named(page, 'Rail 19').waitFor()
})

test('a former slug leads to the present address', async () => {
  const { id, slug, title, path } = programmes[1]
  await regie.set('programme', id, { formerSlugs: ['un-ancien-nom'] })
  await until((await visit('/')).page, async () => {
    const response = await fetch('/query', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: '{ programme(by: { slug: "un-ancien-nom" }) { slug } }' }) })
    return (await response.json()).data.programme
  })
  const visitor = await visit('/un-ancien-nom?screen=mobile')
  await until(visitor.page, (path) => location.pathname === path, path)
  assert.match(visitor.page.url(), /\?screen=mobile$/)
  assert.ok(slug && title)
  assert.equal(visitor.documents, 1)
})

test('an address that leads nowhere says so', async () => {
  const lost = await visit('/nothing-is-called-so')
  await heading(lost.page, 'There is nothing at this address.').waitFor()
  assert.equal(await lost.page.title(), 'Nothing here · Regie')
  assert.equal(await lost.page.locator('meta[name=robots]').getAttribute('content'), 'noindex')
  await lost.page.getByRole('link', { name: 'To the home page' }).click()
  await lost.page.locator('.hero-rail .card').first().waitFor()
  assert.equal(await lost.page.locator('meta[name=robots]').count(), 0)
  const never = await visit('/not/an/address', { expected: /404/ })
  assert.equal(never.response.status(), 404)
  await heading(never.page, 'There is nothing at this address.').waitFor()
})

test('when the API is away the page says so, and comes back by itself', async () => {
  const { page } = await visit(programmes[0].path, { expected: /503|Failed to load resource/ })
  await page.locator('h1').waitFor()
  await page.route('**/query/**', (route) => route.fulfill({ status: 503, body: '{"errors":[{"message":"Away."}]}', contentType: 'application/json' }))
  await page.locator('a[data-home]').click()
  await heading(page, 'Regie does not answer.').waitFor()
  await page.getByRole('alert').waitFor()
  await page.unroute('**/query/**')
  await page.locator('.hero-rail .card').first().waitFor()
  assert.ok(await page.getByRole('alert').isHidden())
})

// Who watches. Each test has a viewer of its own. The rails are named as the editors have named them.

const [WATCHING, FAVOURITES] = ['Reprendre', 'Vos favoris']
const who = (page) => page.getByRole('form', { name: 'Viewer' })

async function signIn(page, user) {
  await page.getByLabel('Your name').fill(user)
  await page.keyboard.press('Enter')
  await who(page).getByRole('button', { name: 'Sign out' }).waitFor()
}

/** The first episodes of a series, that nobody has edited. */
async function series() {
  const { programmes } = await regie.query(`{ programmes(first: 50, filter: { kinds: [SERIES] }) { edges { node {
    title path start { title path } seasons { episodes(first: 3) { edges { node { id title path duration } } } }
  } } } }`)
  const { seasons, ...programme } = programmes.edges.map(({ node }) => node).findLast(({ seasons }) => seasons[0]?.episodes.edges.length === 3)
  return { ...programme, episodes: seasons[0].episodes.edges.map(({ node }) => node) }
}

test('who is not signed in asks nothing of viewers, and has their buttons nowhere', async () => {
  const { episodes: [{ title, path }] } = await series()
  const visitor = await visit('/')
  const { page } = visitor
  const asked = []
  page.on('request', (request) => asked.push(request))
  await page.locator('.hero-rail .card').first().waitFor()
  await page.goto(regie.site + path)
  await heading(page, title).waitFor()
  assert.equal(await page.locator('.heart, .controls, progress').count(), 0)
  assert.deepEqual(asked.filter((request) => /viewer|token/.test(request.postData() ?? '') || request.headers().authorization), [])
  assert.ok(await who(page).getByRole('button', { name: 'Sign in' }).count())
})

test('a favourite: at once, by the keyboard, on another device, and as it was when it does not work', async () => {
  const { title, path } = await series()
  const visitor = await visit(path, { expected: /503/ })
  const { page } = visitor
  await heading(page, title).waitFor()
  await signIn(page, 'favourites')
  const button = page.getByRole('button', { name: `Favourite: ${title}` }).first()
  await button.focus()
  await page.keyboard.press('Enter')
  await page.locator('.actions .heart[aria-pressed=true]').waitFor()
  assert.ok(await button.evaluate((element) => element === document.activeElement), 'the focus stays')

  const other = await visit('/')
  await other.page.locator('.hero-rail .card').first().waitFor()
  await signIn(other.page, 'favourites')
  await named(other.page, FAVOURITES).getByText(title).waitFor()
  assert.equal(await other.page.locator(`.card:has(> a[href="${path}"]) .heart[aria-pressed=false]`).count(), 0, 'its heart is full on every card of it')

  // Taken back there, it goes here by itself.
  await named(other.page, FAVOURITES).getByRole('button', { name: `Favourite: ${title}` }).click()
  await named(other.page, FAVOURITES).waitFor({ state: 'detached' })
  await page.locator('.actions .heart[aria-pressed=false]').waitFor()

  await page.route('**/query/**', (route) => /mutation/.test(route.request().postData())
    ? route.fulfill({ status: 503, body: '{"errors":[{"message":"Kafka is away.","extensions":{"code":"UNAVAILABLE"}}]}', contentType: 'application/json' })
    : route.continue())
  await button.click()
  await until(page, () => /was not added to your favourites\. Kafka is away\./.test(document.getElementById('arrival').textContent))
  assert.equal(await button.getAttribute('aria-pressed'), 'false')
  assert.equal(visitor.documents, 1)
})

test('a store that lags does not take back what was just done', async () => {
  const { title, path } = await series()
  const { page } = await visit(path)
  await heading(page, title).waitFor()
  await signIn(page, 'lags')
  const button = page.locator('.actions .heart')
  await button.waitFor()
  const lagging = []
  await page.route('**/query/**', async (route) => {
    const { query, variables } = route.request().postDataJSON()
    if (!/query Viewer/.test(query)) return route.continue()
    const response = await route.fetch()
    const body = await response.json()
    for (const state of body.data.viewer.states) state.isFavourite = false
    await route.fulfill({ response, json: { ...body, extensions: { consistency: { state: 'STALE' } } } })
    lagging.push(variables.notBefore)
  })
  const written = page.waitForResponse((response) => /mutation/.test(response.request().postData()))
  await button.click()
  await written
  for (const asked = lagging.length + 2; lagging.length < asked; ) await page.waitForResponse((response) => /query Viewer/.test(response.request().postData()))
  assert.equal(await button.getAttribute('aria-pressed'), 'true')
  assert.ok(lagging.at(-1), 'it is asked for what is as new as the own write')
})

test('one device plays, and another goes on where it stopped', async () => {
  const { title, path: programme, episodes: [first, second] } = await series()
  const device = await visit(first.path)
  const { page } = device
  await heading(page, first.title).waitFor()
  await signIn(page, 'watches')
  const other = await visit('/')
  await signIn(other.page, 'watches')
  await other.page.locator('.hero-rail .card').first().waitFor()

  const player = page.getByRole('group', { name: 'Player' })
  await player.getByRole('button', { name: 'Play' }).click()
  const card = named(other.page, WATCHING).locator('.card')
  await card.first().waitFor() // while it plays, and nothing is reloaded
  await player.getByRole('slider').evaluate((slider) => {
    slider.value = 600
    slider.dispatchEvent(new Event('input'))
  })
  await player.getByRole('button', { name: 'Pause' }).click()
  const stopped = await until(page, () => { // where it is kept; the slider's steps are rounded
    const [at] = document.querySelector('.controls .time').textContent.split(' / ')
    return document.querySelector('.controls .sub').textContent === `Kept: on any device you continue at ${at}.` && at
  })
  const at = (await stopped.jsonValue()).split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0)
  assert.ok(at >= 600 && at < first.duration, `it stopped at ${at}`)
  const said = `${Math.round((first.duration - at) / 60)} min left`
  await card.getByText(title).waitFor()
  await until(other.page, ([said, ratio]) => {
    const card = document.querySelector('[aria-label="Reprendre"] .card')
    return card.textContent.includes(said) && Math.abs(card.querySelector('progress').value - ratio) < 0.01
  }, [said, at / first.duration])
  assert.equal(await card.count(), 1, 'one card a programme')
  await card.locator('a').click()
  await heading(other.page, first.title).waitFor()
  const same = other.page.getByRole('group', { name: 'Player' }).getByRole('slider')
  await same.waitFor()
  assert.equal(Number(await same.inputValue()), at, 'it begins where the viewer was')
  assert.equal(other.documents, 1)

  // It is left without a pause, by closing the page: that is reported, too.
  await other.page.getByRole('group', { name: 'Player' }).getByRole('slider').fill(String(first.duration - 5))
  await other.page.getByRole('group', { name: 'Player' }).getByRole('button', { name: 'Play' }).click()
  await until(other.page, () => document.querySelector('.controls button').textContent === 'Play') // to its end
  await other.page.getByText('Kept: on any device').waitFor()
  await page.goto(regie.site + programme)
  await page.getByRole('link', { name: new RegExp(`^Continue with .*${second.title}`) }).waitFor()
  await page.locator('a[data-home]').click()
  await named(page, WATCHING).locator(`a[href="${second.path}"]`).waitFor()
})

test('a page that is closed while it plays says where', async () => {
  const { title, episodes: [, second] } = await series()
  const { page } = await visit(second.path)
  await heading(page, second.title).waitFor()
  await signIn(page, 'closes')
  const player = page.getByRole('group', { name: 'Player' })
  await player.getByRole('button', { name: 'Play' }).click()
  await until(page, () => document.querySelector('.controls input').value > 5)
  await page.goto('about:blank')
  const other = await visit('/')
  await signIn(other.page, 'closes')
  await named(other.page, WATCHING).getByText(title).waitFor()
})

test('what was played while Regie was away is kept once it is back', async () => {
  const { title, episodes: [first, , third] } = await series()
  const { page } = await visit(third.path, { expected: /Failed to load resource|ERR_/ })
  await heading(page, third.title).waitFor()
  await signIn(page, 'patient')
  const player = page.getByRole('group', { name: 'Player' })
  await player.getByRole('button', { name: 'Play' }).waitFor()
  await regie.kill()
  try {
    await player.getByRole('slider').fill('900')
    await page.getByText('Not kept. Regie does not answer.').waitFor()
    await page.getByText(/^Your favourites and progress cannot be read now/).waitFor()
    assert.ok(await heading(page, third.title).count(), 'what is on show stays')
  } finally {
    await regie.run()
  }
  await player.getByText('Kept: on any device you continue at 15:00.').waitFor()
  const other = await visit(first.path)
  await heading(other.page, first.title).waitFor()
  await signIn(other.page, 'patient')
  await other.page.locator('a[data-home]').click()
  await named(other.page, WATCHING).getByText(title).waitFor()
  await until(page, () => document.getElementById('word').hidden && document.getElementById('trouble').hidden)
})

test('a device is a tab, and is forgotten at a sign out', async () => {
  const { page } = await visit('/', { expected: /400/ })
  const { context } = visits[0]
  await signIn(page, 'alice')
  await page.reload()
  await who(page).getByText('alice').waitFor()
  const other = await visit('/', { context })
  await who(other.page).getByRole('button', { name: 'Sign in' }).waitFor()
  await page.bringToFront()
  await page.locator('.heart').first().waitFor()
  await who(page).getByRole('button', { name: 'Sign out' }).click()
  assert.equal(await page.locator('.heart').count(), 0)
  assert.equal(await page.evaluate(() => sessionStorage.length), 0)

  // Another site's page signs nobody in, and a name has bounds.
  const ask = (user, headers) => fetch(`${regie.site}/sign-in`, { method: 'POST', headers, body: JSON.stringify({ user }) })
  assert.equal((await ask('alice', { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await ask('alice', { origin: 'https://elsewhere.example' })).status, 403)
  assert.equal((await ask('a', {})).status, 200)
  await page.getByLabel('Your name').fill('é'.repeat(200))
  await page.keyboard.press('Enter')
  await page.getByText('Not signed in: a user\'s id has 1 to 200 bytes').waitFor()
})

test('a token that is not taken signs out, and the public page stays whole', async () => {
  const { page } = await visit('/', { expected: /401/ })
  await signIn(page, 'late')
  await page.locator('.heart').first().waitFor()
  await page.evaluate(() => sessionStorage.setItem('regie:viewer', JSON.stringify({ user: 'late', token: 'no.token.more' })))
  await page.reload()
  await page.getByText(/^You were signed out\. The token/).waitFor()
  assert.ok(await who(page).getByRole('button', { name: 'Sign in' }).count())
  assert.ok(await page.locator('.hero-rail .card').count())
  assert.ok(await page.getByRole('alert').isHidden())
  assert.equal(await page.locator('.heart').count(), 0)
})

test('when what is the viewer’s cannot be read, the public page stays whole', async () => {
  const { page } = await visit('/')
  const away = (route) => /query Viewer/.test(route.request().postData())
    ? route.fulfill({ body: '{"data":{"viewer":null},"errors":[{"message":"This cannot be answered now; try again.","path":["viewer"],"extensions":{"code":"UNAVAILABLE"}}]}', contentType: 'application/json' })
    : route.continue()
  await page.route('**/query/**', away)
  await signIn(page, 'away')
  await page.getByText(/^Your favourites and progress cannot be read now/).waitFor()
  assert.ok(await page.locator('.hero-rail .card').count())
  assert.ok(await page.getByRole('alert').isHidden())
  await page.unroute('**/query/**', away)
  await page.locator('.heart').first().waitFor()
  assert.ok(await page.locator('#word').isHidden())
})

test('the page for developers: freshness, posters, queries', async () => {
  const { page } = await visit('/')
  await page.locator('#lamp').click()
  await page.waitForURL('**/developers#freshness')
  await page.locator('#programmes li').first().waitFor()
  await regie.set('programme', programmes[0].id, { year: 2003 })
  await until(page, () => /^\d+$/.test(document.querySelector('#freshness [data-part=number]').textContent))
  await page.locator('#queries [data-part=examples] button').nth(1).click()
  await until(page, () => document.querySelector('#queries [data-part=result]').textContent.includes('"programme"'))
  assert.ok(await page.getByRole('link', { name: 'GraphiQL' }).count())
})
