import { el } from '../../shared/dom.js'
import { h } from './patch.js'
import { timecode } from './words.js'

const SPEED = 20
const TICK = 250
const REPORT = 3000

/** One playback's name. crypto.randomUUID is for secure contexts only. */
const name = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/** Controls of a video that there is not: a clock that runs, and tells where it is. */
function controls(host, video, progress, viewer) {
  const sessionId = name()
  let position = progress && !progress.isFinished ? progress.position : 0
  let reported = position
  let known = progress?.updatedAt
  let clock, reporting, at
  let moved // when it got there: of two devices the later one counts
  let busy = false

  const button = el('button', { type: 'button', className: 'primary', onclick: () => (clock ? pause() : play()) })
  const slider = el('input', { type: 'range', min: 0, max: video.duration, step: 1, ariaLabel: 'Position' })
  const time = el('span', { className: 'time' })
  const told = el('p', { className: 'sub', textContent: `Pretend: no stream, a clock at ${SPEED} times the speed.` })
  host.append(button, slider, time, told)
  slider.addEventListener('input', () => {
    move(Number(slider.value))
    show()
  })
  slider.addEventListener('change', () => report())
  addEventListener('pagehide', leaves)
  document.addEventListener('visibilitychange', leaves)
  show()

  function show() {
    button.textContent = clock ? 'Pause' : 'Play'
    slider.value = position
    time.textContent = `${timecode(Math.floor(position))} / ${timecode(video.duration)}`
    slider.ariaValueText = time.textContent
  }

  function move(to) {
    position = to
    moved = new Date().toISOString()
  }

  function play() {
    stop()
    if (position >= video.duration) move(0)
    at = performance.now()
    clock = setInterval(tick, TICK)
    reporting = setInterval(report, REPORT)
    show()
  }

  function pause() {
    stop()
    show()
    report()
  }

  function stop() {
    clearInterval(clock)
    clearInterval(reporting)
    clock = reporting = undefined
  }

  function tick() {
    const now = performance.now()
    move(Math.min(position + ((now - at) / 1000) * SPEED, video.duration))
    at = now
    if (position >= video.duration) pause()
    else show()
  }

  /** One report at a time, and at last one of where the viewer stopped. What fails is sent again. */
  async function report({ keepalive } = {}) {
    const here = Math.floor(position)
    if (here === reported || (busy && !keepalive)) return
    busy = true
    try {
      await viewer.report({ videoId: video.id, position: here, occurredAt: moved, sessionId }, { keepalive })
      reported = here
      told.textContent = `Kept: on any device you continue at ${timecode(here)}.`
    } catch (error) {
      told.textContent = `Not kept. ${error.message}`
      reporting ??= host.isConnected && setInterval(report, REPORT)
      return
    } finally {
      busy = false
    }
    if (clock) return
    stop()
    report()
  }

  function leaves({ type }) {
    if (type === 'pagehide') {
      stop() // a page that comes back by the back button has not played meanwhile
      show()
    }
    if (type === 'pagehide' || document.hidden) report({ keepalive: true })
  }

  return {
    host,
    video,
    /** What another device did shows, unless this one plays. */
    follow(progress) {
      if (!progress || progress.updatedAt === known || clock || busy || Math.floor(position) !== reported || slider.matches(':active')) return
      known = progress.updatedAt
      position = reported = progress.position
      show()
    },
    leave() {
      stop()
      removeEventListener('pagehide', leaves)
      document.removeEventListener('visibilitychange', leaves)
      report({ keepalive: true })
    },
  }
}

/** The pretend player of a video's page, an island that patch.js leaves alone. `viewer` tells whose it is. */
export function createPlayer({ viewer }) {
  let now

  function leave() {
    now?.leave()
    now = undefined
  }

  return {
    /** There is one when it is known where the viewer was, and the video can be watched. */
    host(video) {
      const state = viewer().state(video.id)
      if (!state || video.availability.state !== 'AVAILABLE' || video.playback.isLive || !video.duration) return null
      return h('div', {
        key: 'controls', class: 'controls', role: 'group', 'aria-label': 'Player', own: true,
        made(host) {
          leave()
          now = controls(host, video, state.progress, viewer())
        },
      })
    },
    /** The page is drawn, with what is known by now. */
    drawn() {
      if (now?.host.isConnected) now.follow(viewer()?.state(now.video.id)?.progress)
      else leave()
    },
    leave,
  }
}
