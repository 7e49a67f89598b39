/** How the page looks: light or dark as the reader's system is, on a phone, a desk and on paper. */

import { Markup } from './html.ts';

export const STYLE = new Markup(`
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raised: #fff; --ink: #1d1c1a; --soft: #5f5b54; --line: #e3dfd6; --link: #1c558f;
  --good: #1c6b3d; --good-fill: #3f9d66; --good-back: #e2f2e7;
  --bad: #a3271d; --bad-fill: #cf4a3d; --bad-back: #fbe8e5;
  --wary: #775000; --wary-fill: #cf9a2b; --wary-back: #faf0d8;
  --busy: #1c558f; --busy-fill: #4a8bcb; --busy-back: #e3eefa;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171614; --raised: #201f1c; --ink: #ebe8e2; --soft: #aaa59b; --line: #36342f; --link: #92c2f5;
    --good: #85d7a5; --good-fill: #4fae78; --good-back: #18301f;
    --bad: #ffa196; --bad-fill: #d9594b; --bad-back: #3a1c18;
    --wary: #efc566; --wary-fill: #c1922f; --wary-back: #332a14;
    --busy: #92c2f5; --busy-fill: #4a8bcb; --busy-back: #15283c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.5rem; }
main { padding-top: 3rem; }
header { margin-bottom: 2rem; }
h1, h2, h3, p, dl, ol, ul { margin: 0; padding: 0; }
ol, ul { list-style: none; }
h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; }
h2 { font-size: 1.1rem; font-weight: 650; margin-bottom: 0.9rem; }
h3 { font-size: 0.95rem; font-weight: 600; margin: 1.2rem 0 0.4rem; }
section { margin: 0 0 2.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); }
a { color: var(--link); text-underline-offset: 0.15em; }
code {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.86em;
}
h1, dd div, td, th, li, .title, .detail, code { unicode-bidi: isolate; }
.kind { color: var(--soft); font-size: 0.85rem; letter-spacing: 0.06em; text-transform: uppercase; }
.headline { font-size: 1.2rem; margin-top: 0.5rem; max-width: 46rem; }
.headline::first-letter { text-transform: uppercase; }
.run { margin-top: 0.5rem; }
.soft { color: var(--soft); font-size: 0.92rem; margin-bottom: 0.8rem; max-width: 46rem; }
.state {
  display: inline-block; padding: 0.1em 0.65em; border-radius: 1em; font-size: 0.85rem; line-height: 1.6;
  font-weight: 600; letter-spacing: 0; white-space: nowrap;
}
h1 .state { vertical-align: 0.28em; margin-left: 0.3em; }
.good { color: var(--good); } .bad { color: var(--bad); } .wary { color: var(--wary); } .busy { color: var(--busy); }
.state.good { background: var(--good-back); } .state.bad { background: var(--bad-back); }
.state.wary { background: var(--wary-back); } .state.busy { background: var(--busy-back); }
.note {
  color: var(--ink); border: 0; border-left: 4px solid; border-radius: 0.3rem; padding: 1.2rem 1.4rem; margin: 0 0 2.5rem;
}
.note.bad { border-color: var(--bad-fill); background: var(--bad-back); }
.note.wary { border-color: var(--wary-fill); background: var(--wary-back); }
.note.good { border-color: var(--good-fill); background: var(--good-back); }
.note.busy { border-color: var(--busy-fill); background: var(--busy-back); }
dl { display: grid; grid-template-columns: 7rem minmax(0, 1fr); gap: 0.35rem 1rem; }
dt { color: var(--soft); }
.note dt { color: inherit; font-weight: 600; }
dd { margin: 0; min-width: 0; white-space: pre-wrap; }
dd div + div { margin-top: 0.1rem; }
.command {
  display: inline-block; padding: 0.15em 0.5em; border-radius: 0.3rem; background: var(--raised);
  border: 1px solid var(--line); max-width: 100%; white-space: pre-wrap;
}
.commands li { margin-bottom: 0.35rem; }
.note p + .commands { margin-top: 0.6rem; }
.commands span { color: var(--soft); margin-left: 0.3rem; }
.note .commands span { color: inherit; }
.policy li { padding: 0.3rem 0 0.3rem 1rem; border-left: 2px solid var(--line); margin-bottom: 0.4rem; }
.steps li {
  display: grid; grid-template-columns: 1rem minmax(0, 15rem) 5rem minmax(4rem, 1fr) 4.5rem; gap: 0 0.8rem;
  align-items: center; padding: 0.4rem 0; border-bottom: 1px solid var(--line);
}
.steps .word { color: var(--soft); font-size: 0.88rem; }
.steps .seconds { text-align: right; color: var(--soft); font-size: 0.92rem; white-space: nowrap; }
.steps .track { min-width: 0; overflow: hidden; height: 0.5rem; border-radius: 0.25rem; background: var(--line); }
.steps .bar { display: block; height: 100%; min-width: 3px; border-radius: 0.25rem; background: var(--good-fill); }
.steps .detail { grid-column: 2 / -1; color: var(--soft); font-size: 0.88rem; white-space: pre-wrap; min-width: 0; }
.done .mark { color: var(--good); }
.running .mark, .running .word { color: var(--busy); } .running .bar { background: var(--busy-fill); }
.failed .mark, .failed .word { color: var(--bad); } .failed .bar { background: var(--bad-fill); }
.paused .mark, .paused .word, .cancelled .mark, .cancelled .word { color: var(--wary); }
.paused .bar, .cancelled .bar { background: var(--wary-fill); }
.attempts { color: var(--wary); }
.attempts ul { list-style: disc; padding-left: 1.2rem; }
.attempts li { display: list-item; padding: 0; border: 0; }
.axis { display: flex; justify-content: space-between; gap: 1rem; color: var(--soft); font-size: 0.85rem; margin-top: 0.5rem; }
table { border-collapse: collapse; max-width: 100%; font-size: 0.94rem; }
th, td { text-align: left; vertical-align: top; padding: 0.45rem 0; font-weight: normal; border-bottom: 1px solid var(--line); }
th, td { padding-right: 2rem; } th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--soft); font-size: 0.85rem; white-space: nowrap; }
.time { white-space: nowrap; }
.numbers { min-width: min(100%, 34rem); }
.numbers td, .numbers thead th + th { text-align: right; padding-right: 0; padding-left: 1rem; }
tfoot th, tfoot td { font-weight: 600; border-bottom: 0; }
.numbers + .soft { margin-top: 0.8rem; }
tr:has(+ .why) > * { border-bottom: 0; }
.why td { padding: 0 0 0.8rem 1rem; color: var(--soft); }
.wide { overflow-x: auto; }
.grid th { white-space: nowrap; }
.grid td { min-width: 8rem; }
.squares, .bars { display: flex; gap: 2px; margin-top: 0.25rem; }
.squares { flex-wrap: wrap; max-width: 17rem; }
.bars { gap: 0; height: 0.7rem; }
.squares i, .legend i { display: inline-block; width: 0.7rem; height: 0.7rem; border-radius: 2px; }
.bars i { display: block; height: 100%; min-width: 2px; }
i.good { background: var(--good-fill); } i.busy { background: var(--busy-fill); } i.bad { background: var(--bad-fill); }
.legend { margin-right: 1rem; white-space: nowrap; }
details { margin-top: 1rem; }
summary { cursor: pointer; color: var(--soft); font-size: 0.92rem; margin-bottom: 0.4rem; }
footer { padding-top: 0.5rem; padding-bottom: 3rem; color: var(--soft); font-size: 0.88rem; }
@media (max-width: 40rem) {
  main, footer { padding-left: 1.1rem; padding-right: 1.1rem; }
  main { padding-top: 1.8rem; }
  h1 { font-size: 1.7rem; }
  h1 .state { margin-left: 0; }
  .headline { font-size: 1.08rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dt { font-size: 0.85rem; margin-top: 0.6rem; }
  dt:first-child { margin-top: 0; }
  .steps li { grid-template-columns: 1rem minmax(0, 1fr) auto auto; gap: 0.1rem 0.6rem; }
  .steps .seconds { grid-column: 4; grid-row: 1; }
  .steps .track { grid-column: 2 / -1; }
  .axis { flex-direction: column; gap: 0; }
  .folds thead, .grid thead { display: none; }
  .folds tr, .grid tr, .folds tbody, .grid tbody, .folds td, .folds th, .grid td, .grid th { display: block; }
  .folds, .grid { display: block; width: 100%; }
  .folds td, .folds th, .grid td, .grid th { border: 0; padding: 0.1rem 0; white-space: normal; }
  .folds tr, .grid tr { border-bottom: 1px solid var(--line); padding: 0.5rem 0; }
  .folds tr:has(+ .why) { border-bottom: 0; padding-bottom: 0; }
  .folds .why { padding-top: 0; }
  .folds td:empty, .grid td.none { display: none; }
  .folds td[data-head]::before, .grid td[data-head]::before { content: attr(data-head) "  "; color: var(--soft); font-size: 0.85rem; white-space: pre; }
  .numbers { width: 100%; min-width: 0; }
}
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --raised: #fff; --ink: #000; --soft: #444; --line: #ccc; --link: #000;
    --good: #14502d; --bad: #8a1f17; --wary: #5c3e00; --busy: #14406d;
    --good-back: #fff; --bad-back: #fff; --wary-back: #fff; --busy-back: #fff;
  }
  body { font-size: 10.5pt; }
  main, footer { max-width: none; padding: 0; }
  .state { border: 1px solid; }
  .bar, .squares i, .bars i, .legend i, .track { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  li, tr, .note, dl { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .run a::after { content: ": " attr(href); }
  .wide { overflow: visible; }
}
`);
