"""How the page looks. Colours are variables, so that dark follows the reader's system."""

PAGE_STYLE = """\
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1d2229;--muted:#5b6672;--line:#dfe3e8;
--serious:#b3192b;--serious-bg:#fdecee;--warning:#8f5400;--warning-bg:#fdf3e1;--note:#2458b0;--note-bg:#e9f0fc;
--fine:#177a4a}
@media (prefers-color-scheme:dark){:root{--page:#10151c;--card:#182029;--text:#e6e9ee;--muted:#9aa5b3;--line:#2c3541;
--serious:#ff8a95;--serious-bg:#3a1a20;--warning:#f3bd6a;--warning-bg:#352810;--note:#8db8ff;--note-bg:#1a2a44;
--fine:#54c08a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,sans-serif;display:grid;
grid-template-columns:15rem minmax(0,1fr)}
nav{position:sticky;top:0;align-self:start;height:100vh;overflow:auto;padding:1.5rem 1rem;border-right:1px solid
var(--line);background:var(--card)}
nav strong{display:block;margin:0 .6rem 1rem;font-size:1.05rem}
nav a{display:flex;justify-content:space-between;align-items:center;padding:.35rem .6rem;border-radius:6px;
color:inherit;text-decoration:none;font-size:.92rem}
nav a:hover,nav a:focus-visible{background:var(--page)}
main{max-width:80rem;width:100%;padding:1.5rem 2rem 4rem}
h1{font-size:1.7rem;margin:.2rem 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:0 0 .4rem}
h3{font-size:1rem;margin:0 0 .35rem;overflow-wrap:anywhere}
section,header{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.2rem 1.4rem;
margin-bottom:1.2rem;scroll-margin-top:1rem}
dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.7rem 1.5rem;margin:0}
dt{color:var(--muted);font-size:.82rem}dd{margin:0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(3,1fr);gap:1rem;margin-bottom:1.2rem}
.tile{border-radius:10px;padding:.8rem 1.2rem;display:flex;gap:.7rem;align-items:baseline}
.tile b{font-size:1.7rem;line-height:1.2}
.tile.serious,.badge.serious{background:var(--serious-bg);color:var(--serious)}
.tile.warning,.badge.warning{background:var(--warning-bg);color:var(--warning)}
.tile.note,.badge.note{background:var(--note-bg);color:var(--note)}
.badge{display:inline-block;border-radius:999px;padding:.05rem .6rem;font-size:.78rem;font-weight:600;
margin-right:.3rem;white-space:nowrap}
.dot{width:.55rem;height:.55rem;border-radius:50%;flex:none}
.dot.serious{background:var(--serious)}.dot.warning{background:var(--warning)}
.first{list-style:none;margin:.6rem 0 0;padding:0}.first li{display:flex;gap:.4rem;align-items:baseline;padding:.3rem 0}
.first a{color:inherit;text-decoration-color:var(--line);overflow-wrap:anywhere}
.first .badge{min-width:5rem;text-align:center}
article{border-left:4px solid var(--line);padding:.2rem 0 .2rem 1rem;margin:1.1rem 0}
article.serious{border-color:var(--serious)}article.warning{border-color:var(--warning)}
article.note{border-color:var(--note)}
article p{margin:.2rem 0;max-width:66rem;overflow-wrap:anywhere}
.said,.skipped,.aside,footer{color:var(--muted);margin:.2rem 0 .6rem}
.aside{font-size:.85rem}
.fine{color:var(--fine);font-weight:600}
details{margin-top:.6rem}summary{cursor:pointer;color:var(--muted);font-size:.9rem}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;margin-top:.4rem}
th{text-align:left;color:var(--muted);font-weight:600}
th,td{padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere;unicode-bidi:isolate}
td.line{white-space:nowrap;font-variant-numeric:tabular-nums;color:var(--muted)}td.text{min-width:16rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.2rem;margin-top:1rem}
figure{margin:0;min-width:0}figcaption{font-weight:600;font-size:.92rem;margin-bottom:.4rem;overflow-wrap:anywhere}
@media (max-width:60rem){body{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid
var(--line)}nav a{display:inline-flex;gap:.4rem}main{padding:1rem}}
@media print{nav{display:none}body{display:block}section{break-inside:avoid-page}}
"""
