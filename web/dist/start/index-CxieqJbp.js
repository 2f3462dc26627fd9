/* empty css             */var e=[{id:`web`,label:`Web`},{id:`mobile`,label:`Mobile`},{id:`iptv`,label:`IPTV`}],t=`regie:screen`,n=e=>`/query/${e}`;function r(){let n;try{n=localStorage.getItem(t)}catch{}return e.some(({id:e})=>e===n)?n:`web`}function i(e){try{localStorage.setItem(t,e)}catch{}}async function a(e,{query:t,variables:r},{signal:i}={}){let a=performance.now(),o,s;try{o=await fetch(n(e),{method:`POST`,headers:{"content-type":`application/json`,accept:`application/graphql-response+json, application/json`},body:JSON.stringify({query:t,variables:r}),signal:i}),s=await o.text()}catch(e){throw i?.aborted?e:Error(`Regie does not answer. Is it still running?`,{cause:e})}let c=performance.now()-a,l=new TextEncoder().encode(s).length;try{return{status:o.status,millis:c,bytes:l,body:JSON.parse(s)}}catch(t){throw Error(`${n(e)} answered ${o.status} with something other than JSON.`,{cause:t})}}var o=[{id:`latest`,title:`The latest programmes`,about:`A page of the catalogue, newest first, with the cursor of the next one.`,query:`query Latest($first: Int = 3) {
  programmes(first: $first, orderBy: NEWEST) {
    totalCount
    edges {
      node {
        id
        title
        kind
        year
        path
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}`,variables:()=>({first:3})},{id:`programme`,title:`A programme’s page`,about:`A programme by its slug, its cover and its first episodes: all in one round trip.`,query:`query ProgrammePage($slug: String!) {
  programme(by: { slug: $slug }) {
    title
    year
    countries
    synopsis(length: MEDIUM)
    image(role: COVER) {
      url
      width
      height
      alt
    }
    videos(first: 3, orderBy: EPISODE) {
      totalCount
      edges {
        node {
          seasonNumber
          episodeNumber
          title
          duration
        }
      }
    }
  }
}`,variables:({programme:e})=>({slug:e?.slug??``})},{id:`video`,title:`A video, by its path`,about:`A video’s slug is unique within its programme, so it takes both, as the path does.`,query:`query Video($by: VideoBy!) {
  video(by: $by) {
    title
    path
    kind
    duration
    publishedAt
    image {
      url
      alt
    }
    programme {
      title
      path
    }
  }
}`,variables:({programme:e,video:t})=>({by:{slug:{programme:e?.slug??``,video:t?.slug??``}}})},{id:`node`,title:`Anything, by its id`,about:`Ids are global. The revision grows each time the projection changes: it is what a cache compares.`,query:`query Anything($id: ID!) {
  node(id: $id) {
    __typename
    id
    ... on Content {
      title
      path
      revision
    }
    ... on Programme {
      year
    }
    ... on Video {
      duration
      publishedAt
    }
  }
}`,variables:({programme:e})=>({id:e?.id??``})}];function s(e){let t=e.map(e=>({programme:e,video:e.videos.edges.find(({node:e})=>e)?.node}));return t.find(({video:e})=>e)??t[0]??{}}var c=new WeakMap;async function l(e,t){let n=await d(e),r=c.get(t)?.name??t.textContent;return clearTimeout(c.get(t)?.timer),t.textContent=n?`Copied`:`Press Ctrl+C`,c.set(t,{name:r,timer:setTimeout(()=>{t.textContent=r,c.delete(t)},1600)}),n}function u(e){for(let t of e.querySelectorAll(`[data-copy]`))t.addEventListener(`click`,()=>{let e=document.getElementById(t.dataset.copy);getSelection().selectAllChildren(e),l(e.textContent,t).then(e=>e&&getSelection().removeAllRanges())})}async function d(e){try{return await navigator.clipboard.writeText(e),!0}catch{return!1}}function f(e){return Object.fromEntries([...e.querySelectorAll(`[data-part]`)].map(e=>[e.dataset.part,e]))}function p(e,t={},...n){let r=Object.assign(document.createElement(e),t);return r.append(...n),r}function m(e,t){e.classList.remove(t),e.offsetWidth,e.classList.add(t)}var h=[500,1e3,2e3,5e3];function g(e,t,{onOpen:n,onEvent:r,onLost:i}){let a,o,s=0;function c(){clearTimeout(o),a=new EventSource(e),a.onopen=()=>{s=0,n()},a.addEventListener(t,({data:e})=>r(JSON.parse(e))),a.onerror=()=>{i(),a.close(),o=setTimeout(c,h[Math.min(s++,h.length-1)])}}addEventListener(`pagehide`,()=>{clearTimeout(o),a.close()}),addEventListener(`pageshow`,({persisted:e})=>e&&c()),c()}var _=new Intl.DateTimeFormat(`en-GB`,{hour:`2-digit`,minute:`2-digit`,second:`2-digit`,fractionalSecondDigits:3});function v(e){return e<1e4?{value:String(Math.round(e)),unit:`ms`}:e<6e5?{value:(e/1e3).toFixed(+(e<1e5)),unit:`s`}:{value:String(Math.round(e/6e4)),unit:`min`}}var y=e=>_.format(new Date(e));function b(e){let t=Math.round((Date.now()-new Date(e))/1e3);return t<2?`just now`:t<60?`${t} s ago`:t<3600?`${Math.floor(t/60)} min ago`:t<86400?`${Math.floor(t/3600)} h ago`:`${Math.floor(t/86400)} d ago`}function x(e){return e<1e3?`${e} B`:`${(e/1e3).toFixed(1)} kB`}function S(e){let t=e.map(({millis:e})=>e).sort((e,t)=>e-t),n=e=>Object.values(v(e)).join(` `);return t.length===0?`no edit seen yet`:t.length===1?`one edit seen; the next ones will be drawn beside it`:`last ${t.length} edits: median ${n(t[Math.floor((t.length-1)/2)])}, slowest ${n(t.at(-1))}`}var C=`http://www.w3.org/2000/svg`,[w,T,E]=[300,64,3];function D(e,t,n){let r=Math.max(1,...t.map(({millis:e})=>e)),i=w/n,a=[];for(let e=0;e<n;e++){let o=t[t.length-n+e],s=o?Math.max(4,T*Math.sqrt(Math.max(0,o.millis)/r)):2,c=document.createElementNS(C,`rect`);for(let[t,n]of Object.entries({x:e*i,y:T-s,width:i-E,height:s}))c.setAttribute(t,n.toFixed(2));if(c.setAttribute(`class`,o?e===n-1?`last`:`past`:`slot`),o){let{value:e,unit:t}=v(o.millis),n=document.createElementNS(C,`title`);n.textContent=`${e} ${t}, ${o.title}`,c.append(n)}a.push(c)}e.replaceChildren(...a),e.setAttribute(`aria-label`,S(t))}var O=30;function k(e,{onEdit:t,onReconnect:n}){let r=f(e),i=[];function a(t,n){e.dataset.state=t,r.state.textContent=n}function o(){if(i.length)return a(`live`,`Live`);a(`waiting`,`Waiting`),r.title.textContent=`Waiting for the first edit`,r.detail.textContent=`Try the command under “Edit something and watch”`}function s(e){let{value:t,unit:n}=v(e.millis);r.number.textContent=t,r.number.parentElement.classList.add(`known`),r.unit.textContent=n,r.title.textContent=e.title||e.id,r.title.title=`${e.title} (${e.id})`,D(r.bars,i,O),r.summary.textContent=S(i),c()}function c(){let e=i.at(-1);e&&(r.detail.textContent=`${e.kind}, edited ${y(e.changedAt)}, visible ${y(e.visibleAt)}, ${b(e.visibleAt)}`)}D(r.bars,i,O),g(`/freshness`,`edit`,{onOpen(){e.dataset.state===`lost`&&n(),o()},onEvent(e){let n=i.at(-1);n&&n.id===e.id&&n.visibleAt===e.visibleAt||(i.push(e),i.length>O&&i.shift(),s(e),m(r.number.parentElement,`fresh`),t(e)),o()},onLost:()=>a(`lost`,i.length?`Disconnected, trying again`:`Disconnected`)}),setInterval(c,1e3)}var A=/("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,j=/\b(query|fragment|on)\b|(\$\w+)|\b([A-Z]\w*)\b|\b(\d+)\b/g;function M(e,t){P(e,JSON.stringify(t,null,2),A,([,e,t])=>t?`tok-key`:e?`tok-string`:`tok-value`)}function N(e,t){P(e,t,j,([,e,t,n])=>e?`tok-word`:t?`tok-value`:n?`tok-key`:`tok-string`)}function P(e,t,n,r){let i=document.createDocumentFragment(),a=0;for(let e of t.matchAll(n)){let n=e[1]??e[0];i.append(t.slice(a,e.index),p(`span`,{className:r(e),textContent:n})),a=e.index+n.length}i.append(t.slice(a)),e.replaceChildren(i)}function F(t,{screen:r,onScreen:i}){let s=f(t),c=o[0],u={},d,m=()=>({query:c.query,variables:c.variables(u)});function h(){for(let e of s.examples.children)e.ariaPressed=String(e.value===c.id);if(s.about.textContent=c.about,N(s.query,c.query),M(s.variables,m().variables),s.graphiql){let{query:e,variables:t}=m();s.graphiql.href=`/graphiql?${new URLSearchParams({query:e,variables:JSON.stringify(t,null,2),screen:r})}`}}function g(e,t=!1){s.timing.replaceChildren(...e),s.timing.classList.toggle(`bad`,t)}async function _(){d?.abort();let e=d=new AbortController;g([`Asking ${n(r)}`]);try{let{status:t,millis:i,bytes:o,body:c}=await a(r,m(),{signal:e.signal}),l=c.errors?.length??0,u=[p(`strong`,{textContent:`${i<10?i.toFixed(1):Math.round(i)} ms`})];u.push(p(`span`,{textContent:`${x(o)} from ${n(r)}`})),t!==200&&u.push(p(`span`,{textContent:`HTTP ${t}`})),l&&u.push(p(`span`,{textContent:l===1?`one error`:`${l} errors`})),g(u,l>0||t!==200),M(s.result,c)}catch(t){if(e.signal.aborted)return;s.result.replaceChildren(),g([t.message],!0)}}function v(){let e=JSON.stringify(m()).replaceAll(`'`,`'\\''`);return`curl -s ${location.origin}${n(r)} -H 'content-type: application/json' -d '${e}'`}for(let{id:e,title:t}of o)s.examples.append(p(`button`,{type:`button`,value:e,textContent:t}));s.examples.addEventListener(`click`,({target:e})=>{let t=o.find(({id:t})=>t===e.value);t&&(c=t,h(),_())});for(let{id:t,label:n}of e)s.screens.append(p(`label`,{},p(`input`,{type:`radio`,name:`screen`,value:t,checked:t===r}),n));return s.screens.addEventListener(`change`,({target:e})=>{r=e.value,i(r),h(),_()}),s.run.addEventListener(`click`,_),s.curl.addEventListener(`click`,()=>l(v(),s.curl)),h(),{use(e){u=e,h(),_()}}}var I=`query Posters {
  programmes(first: 12) {
    edges {
      node {
        id slug title revision
        image(role: PORTRAIT) { url alt }
        videos(first: 1) { edges { node { slug } } }
      }
    }
  }
}`,L=400;function R(e,{onChoose:t,onLoad:r}){let i=f(e),o=new Map,s,c,l,u;async function d(){let e=s,{body:t,status:n}=await a(e,{query:I});if(e===s){if(!t.data?.programmes)throw Error(t.errors?.[0]?.message??`The API answered ${n}.`);_(t.data.programmes.edges.map(({node:e})=>e).filter(Boolean))}}async function h(){if(c)l=!0;else{c=!0;try{await d()}catch(e){o.size||g(e.message)}setTimeout(()=>{c=!1,l&&(l=!1,h())},L)}}function g(e){i.empty.textContent=e,i.empty.hidden=!e,i.posters.hidden=!!e}function _(e){g(e.length?``:`The catalogue is empty for now. Programmes show up here as they are imported.`);let t=o.size===0,n=new Set(o.keys());e.forEach((e,r)=>{n.delete(e.id);let a=o.get(e.id)??v(),s=a.programme?.revision!==e.revision;o.set(e.id,a),a.update(e),i.posters.children[r]!==a.item&&i.posters.insertBefore(a.item,i.posters.children[r]??null),s&&!t&&m(a.item,`changed`)});for(let e of n)o.get(e).item.remove(),o.delete(e);r(e)}function v(){let e=p(`b`,{ariaHidden:`true`}),n=p(`img`,{decoding:`async`,draggable:!1,onerror:()=>n.hidden=!0,onload:()=>n.hidden=!1}),r=p(`span`,{className:`name`}),i=p(`span`,{className:`slug`}),a=p(`button`,{type:`button`,ariaPressed:`false`},p(`span`,{className:`poster`},e,n),r,i),o={item:p(`li`,{},a)};return a.addEventListener(`click`,()=>{u&&(u.ariaPressed=`false`),u=a,a.ariaPressed=`true`,t(o.programme)}),o.update=t=>{let{url:a=``,alt:s=``}=t.image??{};o.programme=t,r.textContent=t.title,i.textContent=t.slug,e.textContent=[...t.title][0]??``,n.alt=s===t.title?``:s,n.getAttribute(`src`)!==a&&(n.hidden=!0,a?n.src=a:n.removeAttribute(`src`))},o}return{refresh:h,show(t){s=t;for(let{item:e}of o.values())e.remove();o.clear(),e.querySelector(`[data-screen-endpoint]`).textContent=n(s),h()}}}var z=e=>document.getElementById(e),B=z(`cli`),V=!1;function H(e){e.programme&&(V=!0,B.textContent=`go run . cms set programme ${e.programme.slug} title='A new title'`,U.use(e))}var U=F(z(`queries`),{screen:r(),onScreen(e){i(e),W.show(e)}}),W=R(z(`programmes`),{onChoose:e=>H(s([e])),onLoad:e=>V||H(s(e))});k(z(`freshness`),{onEdit:W.refresh,onReconnect:W.refresh}),u(document),W.show(r());