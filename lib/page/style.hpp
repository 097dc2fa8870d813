#pragma once

// The looks of the page. Colours are named once for light and once for dark; tests/page computes
// the contrast of each pair that is used.
namespace conos::page {

inline constexpr const char* k_css = R"css(
:root{color-scheme:light dark;
--paper:#fbfaf8;--sheet:#ffffff;--text:#1f2328;--quiet:#59616b;--rule:#dedbd5;
--link:#14538f;--good:#1c6b3c;--warn:#7d4e00;--bad:#a8221d;--ink:#3f6f9f;--wash:#dfe8f0}
@media (prefers-color-scheme:dark){:root{
--paper:#15171a;--sheet:#1b1e22;--text:#e3e5e8;--quiet:#a3abb5;--rule:#343a41;
--link:#8bbdf0;--good:#7fce9c;--warn:#eebd68;--bad:#ff9c94;--ink:#7ea8d1;--wash:#26333f}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:72rem;padding:0 1.25rem 3rem;background:var(--paper);color:var(--text);
overflow-wrap:break-word;font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
a{color:var(--link)}
code,.mono{font:.88em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--sheet);padding:.25rem .75rem}
header{padding:1.75rem 0 .75rem}
h1{font-size:1.6rem;line-height:1.2;font-weight:600;margin:0}
h1 .host{overflow-wrap:anywhere}
h2{font-size:1.05rem;font-weight:600;margin:2.25rem 0 .6rem}
h2 .count{color:var(--quiet);font-weight:400}
h3{font-size:1rem;font-weight:600;margin:0;overflow-wrap:anywhere}
p{margin:.3rem 0}
.quiet{color:var(--quiet)}
.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.state{font-weight:600}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;margin:.6rem 0 0;padding:0;font-size:.93em}
.glance{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:1px;margin:1rem 0 0;
background:var(--rule);border:1px solid var(--rule);border-radius:6px;overflow:hidden}
.glance div{background:var(--sheet);padding:.65rem .85rem}
.glance dt{color:var(--quiet);font-size:.85em}
.glance dd{margin:0}
.glance dd.big{font-size:1.3rem;line-height:1.35;font-weight:600;font-variant-numeric:tabular-nums}
.glance dd.small{color:var(--quiet);font-size:.85em}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1rem;margin:1rem 0 0}
figure{margin:0;background:var(--sheet);border:1px solid var(--rule);border-radius:6px;padding:.65rem .85rem .5rem}
figcaption{display:flex;justify-content:space-between;gap:1rem;font-size:.9em;margin-bottom:.4rem}
figcaption span{color:var(--quiet)}
figcaption strong{font-weight:600}
svg{display:block;width:100%;height:3.5rem}
.area{fill:var(--wash)}
.line{fill:none;stroke:var(--ink);stroke-width:1.5;vector-effect:non-scaling-stroke}
.bars{fill:var(--ink)}
.ground{fill:none;stroke:var(--rule);stroke-width:1;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;color:var(--quiet);font-size:.8em;margin:.3rem 0 0}
.findings{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:minmax(0,1fr);gap:.75rem}
.findings>li{background:var(--sheet);border:1px solid var(--rule);border-left:3px solid currentColor;
border-radius:6px;padding:.7rem .95rem}
.findings .inner{color:var(--text)}
.findings .top{display:flex;flex-wrap:wrap;align-items:baseline;gap:.1rem .8rem}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1rem;margin:.4rem 0 0}
.facts dt{color:var(--quiet);font-size:.93em}
.facts dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto;background:var(--sheet);border:1px solid var(--rule);border-radius:6px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:.5rem .85rem;color:var(--quiet);font-size:.9em}
th,td{padding:.4rem .85rem;text-align:left;vertical-align:top;border-top:1px solid var(--rule)}
thead th{border-top:0;color:var(--quiet);font-weight:400;font-size:.87em;white-space:nowrap}
tbody th{font-weight:600}
/* signs that pile up on one letter stay in their place */
th,td,dd,p,h3,li{overflow:clip}
.num{text-align:right;white-space:nowrap}
.said{overflow-wrap:anywhere;min-width:12rem}
.nowrap{white-space:nowrap}
details{margin-top:.75rem}
summary{cursor:pointer;color:var(--link)}
details .wide{margin-top:.6rem}
.trouble{list-style:none;margin:.3rem 0;padding:0}
footer{margin-top:2.5rem;padding-top:.8rem;border-top:1px solid var(--rule);color:var(--quiet);font-size:.9em}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
@media (max-width:44rem){
body{padding:0 .85rem 2rem}
header{padding-top:1.1rem}
.glance{grid-template-columns:repeat(2,minmax(0,1fr))}
.glance dd.big{font-size:1.15rem}
.wide{overflow:visible;background:none;border:0}
table,tbody,tr,th,td{display:block}
thead{position:absolute;left:-99rem}
tr{background:var(--sheet);border:1px solid var(--rule);border-radius:6px;padding:.5rem .8rem;margin-bottom:.6rem}
th,td,.num{border:0;padding:.08rem 0;text-align:left;white-space:normal;overflow-wrap:anywhere}
td{display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.6rem}
td::before{content:attr(data-label);color:var(--quiet);font-size:.9em}
td.none{display:none}
.said{min-width:0}
.facts{grid-template-columns:minmax(0,1fr);gap:0}
.facts dd{margin-bottom:.35rem}
}
@media print{body{max-width:none}.skip,nav{display:none}}
)css";

} // namespace conos::page
