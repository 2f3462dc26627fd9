// Starts what is driven: a Regie as it comes, and a Chromium.

import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const PATIENCE = 60_000

/**
 * Builds Regie (or takes the program that REGIE names) and starts it on free ports and a folder of its own. Resolves,
 * once it is ready, to its addresses and what ends it.
 */
export async function startRegie() {
  const folder = await mkdtemp(join(tmpdir(), 'regie-browser-'))
  const program = process.env.REGIE || join(folder, 'regie')
  if (!process.env.REGIE) execFileSync('go', ['build', '-o', program, '.'], { cwd: repository, stdio: 'inherit' })
  const [http, admin] = await Promise.all([freePort(), freePort()])
  const rpc = await freePort()
  let child, ended

  async function run() {
    let said = ''
    child = spawn(program, ['--http', `127.0.0.1:${http}`, '--admin', `127.0.0.1:${admin}`, '--grpc', `127.0.0.1:${rpc}`, '--data', join(folder, 'data'), '--demo-opens', '10s'], {
      env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'pipe'],
    })
    ended = new Promise((resolve) => child.once('exit', resolve))
    await new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Regie was not ready after ${PATIENCE} ms:\n${said}`)), PATIENCE)
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk) => {
          said += chunk
          if (!said.includes('Regie is ready')) return
          clearTimeout(late)
          resolve()
        })
      }
      ended.then((code) => {
        clearTimeout(late)
        reject(new Error(`Regie ended with ${code}:\n${said}`))
      })
    }).catch(async (error) => {
      child.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
      throw error
    })
  }

  await run()
  async function edit(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${admin}/cms/${path}`, { method, headers: { 'content-type': 'application/json' }, body })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
  return {
    site: `http://127.0.0.1:${http}`,
    admin: `http://127.0.0.1:${admin}`,
    /** Asks GraphQL past the browser. */
    async query(query, variables, screen = 'web') {
      const response = await fetch(`http://127.0.0.1:${http}/query/${screen}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query, variables }),
      })
      const { data, errors } = await response.json()
      if (errors) throw new Error(JSON.stringify(errors))
      return data
    },
    /** Sets fields of a document of the CMS, as `regie cms set` does. */
    set: (collection, ref, fields) => edit('PATCH', `${collection}/${encodeURIComponent(ref)}`, JSON.stringify(fields)),
    /** Inserts or replaces documents of the CMS, as `regie cms put` does. */
    put: (collection, documents) => edit('POST', collection, documents.map((document) => JSON.stringify(document)).join('\n')),
    /** Kills it as kill -9 does. */
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    /** Starts it again, as it was. */
    run,
    async stop() {
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await ended
      clearTimeout(late)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Starts a headless Chromium: the one that CHROMIUM names, or a known one of this machine. */
export async function startChromium() {
  const places = process.env.CHROMIUM
    ? [process.env.CHROMIUM]
    : ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']
  const executablePath = places.find(executable)
  if (!executablePath) {
    throw new Error(`No Chromium at ${places.join(', ')}. Install one (Debian: apt-get install chromium) or name it: CHROMIUM=/path/to/chromium`)
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

function executable(path) {
  if (!existsSync(path)) return false
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
