// Draws the README's pictures, docs/screenshot.webp and docs/screenshot.edit.webp: `npm run screenshot`, after `make web`.

import { writeFile } from 'node:fs/promises'
import { startChromium, startRegie } from './regie.js'

const WIDTH = 1280
const docs = new URL('../../docs/', import.meta.url)

const chromium = await startChromium()
const regie = await startRegie()
try {
  const page = await chromium.newPage({ viewport: { width: WIDTH, height: 980 }, colorScheme: 'light', reducedMotion: 'reduce' })
  await page.goto(regie.site)
  await page.locator('.hero-rail .card').first().waitFor()
  await page.getByRole('region', { name: 'En ce moment' }).locator('.card').nth(5).waitFor() // something was watched
  const { programmes } = await regie.query('{ programmes(first: 1, filter: { kinds: [SERIES] }) { edges { node { id title path } } } }')
  const { id, title, path } = programmes.edges[0].node
  await regie.set('programme', id, { title })
  await page.waitForFunction(() => document.getElementById('lamp').textContent.includes('ms'))
  await page.evaluate(() => (document.getElementById('arrival').hidden = true))
  await shoot(page, 'screenshot.webp')

  await page.goto(regie.site + path)
  await page.getByRole('button', { name: 'Edit', exact: true }).click()
  await page.waitForFunction(() => document.getElementById('edit-title').value !== '')
  await page.waitForTimeout(1000) // a page that has come to rest
  await page.getByLabel('Title').fill(`${title}, la suite`)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.waitForFunction(() => document.querySelector('.editor .result').textContent.includes('seen'))
  await page.evaluate(() => scrollTo(0, 0))
  await shoot(page, 'screenshot.edit.webp')
} finally {
  await chromium.close()
  await regie.stop()
}

/** Chromium shoots PNG and JPEG; WebP, a third of their size, its canvas can write. */
async function shoot(page, name) {
  await page.waitForFunction(() => [...document.images].every((image) => image.complete || image.getBoundingClientRect().top > innerHeight || image.getBoundingClientRect().left > innerWidth))
  const png = await page.screenshot()
  const blank = await chromium.newPage()
  const webp = await blank.evaluate(async (source) => {
    const image = await createImageBitmap(await (await fetch(source)).blob())
    const canvas = new OffscreenCanvas(image.width, image.height)
    canvas.getContext('2d').drawImage(image, 0, 0)
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality: 0.9 })).arrayBuffer())
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  }, `data:image/png;base64,${png.toString('base64')}`)
  await blank.close()
  const bytes = Buffer.from(webp, 'base64')
  await writeFile(new URL(name, docs), bytes)
  console.log(`docs/${name}: ${Math.round(bytes.length / 1000)} kB`)
}
