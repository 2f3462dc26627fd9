/* empty css             */import{a as e,c as t,d as n,f as r,h as i,i as a,l as o,m as s,n as c,p as l,r as u,s as d,t as f,u as p}from"./dom-dUlM3kzy.js";var m=[{id:`latest`,title:`The latest programmes`,about:`A page of the catalogue, newest first, with the cursor of the next one.`,query:`query Latest($first: Int = 3) {
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
}`,variables:({programme:e})=>({id:e?.id??``})}];function h(e){let t=e.map(e=>({programme:e,video:e.videos.edges.find(({node:e})=>e)?.node}));return t.find(({video:e})=>e)??t[0]??{}}var g=new WeakMap;async function _(e,t){let n=await y(e),r=g.get(t)?.name??t.textContent;return clearTimeout(g.get(t)?.timer),t.textContent=n?`Copied`:`Press Ctrl+C`,g.set(t,{name:r,timer:setTimeout(()=>{t.textContent=r,g.delete(t)},1600)}),n}function v(e){for(let t of e.querySelectorAll(`[data-copy]`))t.addEventListener(`click`,()=>{let e=document.getElementById(t.dataset.copy);getSelection().selectAllChildren(e),_(e.textContent,t).then(e=>e&&getSelection().removeAllRanges())})}async function y(e){try{return await navigator.clipboard.writeText(e),!0}catch{return!1}}var b=`http://www.w3.org/2000/svg`,[x,S,C]=[300,64,3];function w(e,t,r){let i=Math.max(1,...t.map(({millis:e})=>e)),a=x/r,o=[];for(let e=0;e<r;e++){let s=t[t.length-r+e],c=s?Math.max(4,S*Math.sqrt(Math.max(0,s.millis)/i)):2,l=document.createElementNS(b,`rect`);for(let[t,n]of Object.entries({x:e*a,y:S-c,width:a-C,height:c}))l.setAttribute(t,n.toFixed(2));if(l.setAttribute(`class`,s?e===r-1?`last`:`past`:`slot`),s){let{value:e,unit:t}=n(s.millis),r=document.createElementNS(b,`title`);r.textContent=`${e} ${t}, ${s.title}`,l.append(r)}o.push(l)}e.replaceChildren(...o),e.setAttribute(`aria-label`,l(t))}var T=30;function E(e,{onEdit:t,onReconnect:a}){let o=c(e),s=[];function d(t,n){e.dataset.state=t,o.state.textContent=n}function f(){if(s.length)return d(`live`,`Live`);d(`waiting`,`Waiting`),o.title.textContent=`Waiting for the first edit`,o.detail.textContent=`Try the command under “Edit something and watch”`}function m(e){let{value:t,unit:r}=n(e.millis);o.number.textContent=t,o.number.parentElement.classList.add(`known`),o.unit.textContent=r,o.title.textContent=e.title||e.id,o.title.title=`${e.title} (${e.id})`,w(o.bars,s,T),o.summary.textContent=l(s),h()}function h(){let e=s.at(-1);e&&(o.detail.textContent=`${e.kind}, edited ${r(e.changedAt)}, visible ${r(e.visibleAt)}, ${p(e.visibleAt)}`)}w(o.bars,s,T),i(`/freshness`,`edit`,{onOpen(){e.dataset.state===`lost`&&a(),f()},onEvent(e){let n=s.at(-1);n&&n.id===e.id&&n.visibleAt===e.visibleAt||(s.push(e),s.length>T&&s.shift(),m(e),u(o.number.parentElement,`fresh`),t(e)),f()},onLost:()=>d(`lost`,s.length?`Disconnected, trying again`:`Disconnected`)}),setInterval(h,1e3)}var D=/("(?:\\.|[^"\\])*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g,O=/\b(query|fragment|on)\b|(\$\w+)|\b([A-Z]\w*)\b|\b(\d+)\b/g;function k(e,t){j(e,JSON.stringify(t,null,2),D,([,e,t])=>t?`tok-key`:e?`tok-string`:`tok-value`)}function A(e,t){j(e,t,O,([,e,t,n])=>e?`tok-word`:t?`tok-value`:n?`tok-key`:`tok-string`)}function j(e,t,n,r){let i=document.createDocumentFragment(),a=0;for(let e of t.matchAll(n)){let n=e[1]??e[0];i.append(t.slice(a,e.index),f(`span`,{className:r(e),textContent:n})),a=e.index+n.length}i.append(t.slice(a)),e.replaceChildren(i)}function M(t,{screen:n,onScreen:r}){let i=c(t),l=m[0],u={},d,p=()=>({query:l.query,variables:l.variables(u)});function h(){for(let e of i.examples.children)e.ariaPressed=String(e.value===l.id);if(i.about.textContent=l.about,A(i.query,l.query),k(i.variables,p().variables),i.graphiql){let{query:e,variables:t}=p();i.graphiql.href=`/graphiql?${new URLSearchParams({query:e,variables:JSON.stringify(t,null,2),screen:n})}`}}function g(e,t=!1){i.timing.replaceChildren(...e),i.timing.classList.toggle(`bad`,t)}async function v(){d?.abort();let t=d=new AbortController;g([`Asking ${e(n)}`]);try{let{status:r,millis:o,bytes:c,body:l}=await a(n,p(),{signal:t.signal}),u=l.errors?.length??0,d=[f(`strong`,{textContent:`${o<10?o.toFixed(1):Math.round(o)} ms`})];d.push(f(`span`,{textContent:`${s(c)} from ${e(n)}`})),r!==200&&d.push(f(`span`,{textContent:`HTTP ${r}`})),u&&d.push(f(`span`,{textContent:u===1?`one error`:`${u} errors`})),g(d,u>0||r!==200),k(i.result,l)}catch(e){if(t.signal.aborted)return;i.result.replaceChildren(),g([e.message],!0)}}function y(){let t=JSON.stringify(p()).replaceAll(`'`,`'\\''`);return`curl -s ${location.origin}${e(n)} -H 'content-type: application/json' -d '${t}'`}for(let{id:e,title:t}of m)i.examples.append(f(`button`,{type:`button`,value:e,textContent:t}));i.examples.addEventListener(`click`,({target:e})=>{let t=m.find(({id:t})=>t===e.value);t&&(l=t,h(),v())});for(let{id:e,label:t}of o)i.screens.append(f(`label`,{},f(`input`,{type:`radio`,name:`screen`,value:e,checked:e===n}),t));return i.screens.addEventListener(`change`,({target:e})=>{n=e.value,r(n),h(),v()}),i.run.addEventListener(`click`,v),i.curl.addEventListener(`click`,()=>_(y(),i.curl)),h(),{use(e){u=e,h(),v()}}}var N=`query Posters {
  programmes(first: 12) {
    edges {
      node {
        id slug title revision
        image(role: PORTRAIT) { url alt }
        videos(first: 1) { edges { node { slug } } }
      }
    }
  }
}`,P=400;function F(t,{onChoose:n,onLoad:r}){let i=c(t),o=new Map,s,l,d,p;async function m(){let e=s,{body:t,status:n}=await a(e,{query:N});if(e===s){if(!t.data?.programmes)throw Error(t.errors?.[0]?.message??`The API answered ${n}.`);_(t.data.programmes.edges.map(({node:e})=>e).filter(Boolean))}}async function h(){if(l)d=!0;else{l=!0;try{await m()}catch(e){o.size||g(e.message)}setTimeout(()=>{l=!1,d&&(d=!1,h())},P)}}function g(e){i.empty.textContent=e,i.empty.hidden=!e,i.posters.hidden=!!e}function _(e){g(e.length?``:`The catalogue is empty for now. Programmes show up here as they are imported.`);let t=o.size===0,n=new Set(o.keys());e.forEach((e,r)=>{n.delete(e.id);let a=o.get(e.id)??v(),s=a.programme?.revision!==e.revision;o.set(e.id,a),a.update(e),i.posters.children[r]!==a.item&&i.posters.insertBefore(a.item,i.posters.children[r]??null),s&&!t&&u(a.item,`changed`)});for(let e of n)o.get(e).item.remove(),o.delete(e);r(e)}function v(){let e=f(`b`,{ariaHidden:`true`}),t=f(`img`,{decoding:`async`,draggable:!1,onerror:()=>t.hidden=!0,onload:()=>t.hidden=!1}),r=f(`span`,{className:`name`}),i=f(`span`,{className:`slug`}),a=f(`button`,{type:`button`,ariaPressed:`false`},f(`span`,{className:`poster`},e,t),r,i),o={item:f(`li`,{},a)};return a.addEventListener(`click`,()=>{p&&(p.ariaPressed=`false`),p=a,a.ariaPressed=`true`,n(o.programme)}),o.update=n=>{let{url:a=``,alt:s=``}=n.image??{};o.programme=n,r.textContent=n.title,i.textContent=n.slug,e.textContent=[...n.title][0]??``,t.alt=s===n.title?``:s,t.getAttribute(`src`)!==a&&(t.hidden=!0,a?t.src=a:t.removeAttribute(`src`))},o}return{refresh:h,show(n){s=n;for(let{item:e}of o.values())e.remove();o.clear(),t.querySelector(`[data-screen-endpoint]`).textContent=e(s),h()}}}var I=e=>document.getElementById(e),L=I(`cli`),R=!1;function z(e){e.programme&&(R=!0,L.textContent=`go run . cms set programme ${e.programme.slug} title='A new title'`,B.use(e))}var B=M(I(`queries`),{screen:t(),onScreen(e){d(e),V.show(e)}}),V=F(I(`programmes`),{onChoose:e=>z(h([e])),onLoad:e=>R||z(h(e))});E(I(`freshness`),{onEdit:V.refresh,onReconnect:V.refresh}),v(document),V.show(t());