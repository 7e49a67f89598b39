/**
 * A real browser for the tests of pages: the Chromium that comes with @sparticuz/chromium where that runs (Linux on x64),
 * or the one that MUSTER_CHROMIUM names, or one on the PATH.
 */

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { withLock } from '../setup/lock.js';

export type { Browser } from 'playwright-core';

const CACHE = fileURLToPath(new URL('../.muster', import.meta.url));
const PACKAGE = fileURLToPath(new URL('..', import.meta.resolve('@sparticuz/chromium')));
const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** No graphics card, and containers with little shared memory. */
const FOR_BARE_MACHINES = ['--disable-gpu', '--disable-dev-shm-usage'];

/** What starts a browser. */
interface Executable {
  readonly path: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Or why there is none: whoever has no browser at all is not kept from the other tests. */
export async function openBrowser(): Promise<{ readonly browser?: Browser; readonly why?: string }> {
  const executable = await findExecutable();
  if (!executable)
    return { why: `there is no browser: MUSTER_CHROMIUM names one, or the PATH (${ON_PATH.join(', ')})` };
  const { path, env } = executable;
  const launched = chromium.launch({
    executablePath: path,
    env: { ...process.env, ...env } as Record<string, string>,
    args: FOR_BARE_MACHINES,
  });
  return { browser: await launched };
}

async function findExecutable(): Promise<Executable | undefined> {
  const { MUSTER_CHROMIUM: named, PATH = '' } = process.env;
  if (named) return { path: named };
  if (process.platform === 'linux' && process.arch === 'x64') return unpacked();
  const paths = PATH.split(delimiter).flatMap((folder) => ON_PATH.map((name) => join(folder, name)));
  const path = paths.find((one) => existsSync(one));
  return path === undefined ? undefined : { path };
}

/** The package has it compressed. It is unpacked once in a clone, with libraries and fonts that a bare machine lacks. */
async function unpacked(): Promise<Executable> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  const home = join(CACHE, `chromium-${version}`);
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(home)) {
    const say = (line: string) => process.stderr.write(`${line}\n`);
    await withLock(join(CACHE, 'chromium.lock'), { say, what: 'unpacking a browser' }, async () => {
      if (existsSync(home)) return;
      const part = `${home}.part`;
      rmSync(part, { recursive: true, force: true });
      mkdirSync(part);
      await inflateInto(part, ['chromium.br', 'al2023.tar.br', 'fonts.tar.br']);
      writeFileSync(join(part, 'fonts', 'fonts.conf'), fontsIn(join(home, 'fonts')));
      renameSync(part, home);
    });
  }
  return {
    path: join(home, 'chromium'),
    env: { LD_LIBRARY_PATH: join(home, 'al2023', 'lib'), FONTCONFIG_PATH: join(home, 'fonts') },
  };
}

const FONTS = { 'system-ui': 'Open Sans', 'sans-serif': 'Open Sans', monospace: 'DejaVu Sans Mono' };

/** Its own looks for fonts where Lambda has them. Signs that its one font lacks come from the machine's. */
function fontsIn(folder: string): string {
  const families = Object.entries(FONTS).map(
    ([family, font]) => `<alias><family>${family}</family><prefer><family>${font}</family></prefer></alias>`,
  );
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${folder}</dir><dir>/usr/share/fonts</dir><cachedir>${folder}</cachedir>${families.join('')}</fontconfig>
`;
}

/** The package unpacks into the folder for temporary files, and asks for that when it begins. */
async function inflateInto(folder: string, files: readonly string[]): Promise<void> {
  const { TMPDIR } = process.env;
  process.env.TMPDIR = folder;
  try {
    await Promise.all(files.map((file) => inflate(join(PACKAGE, 'bin', file))));
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
}

/** How somebody looks at a page. */
export interface Look {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
  readonly javaScriptEnabled?: boolean;
}

/** A phone and a desk, by day and by night. */
export const LOOKS: readonly Look[] = [390, 1280].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);

/** A page without scripts, unless they are asked for, and the addresses that it has asked for so far. */
export async function pageAt(
  browser: Browser,
  { width, colorScheme, javaScriptEnabled = false }: Look,
): Promise<{ readonly page: Page; readonly requests: readonly string[] }> {
  const options: BrowserContextOptions = {
    viewport: { width, height: 900 },
    colorScheme,
    javaScriptEnabled,
    deviceScaleFactor: 1,
  };
  const page = await (await browser.newContext(options)).newPage();
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  return { page, requests };
}

/** What is really drawn. */
export interface Seen {
  /** Of all that is on the page: more than the window's when it has to be pushed aside to be read. */
  readonly width: number;
  /** What can be read of it, a line for all that stands in markup of its own. */
  readonly text: string;
  /** Words that take no room, as those do for which there is no font. */
  readonly undrawn: readonly string[];
  /** Words that are hard to tell from what is behind them: less than 4.5 to 1 (WCAG 2, "Contrast (Minimum)"). */
  readonly faint: readonly string[];
  readonly background: 'light' | 'dark';
}

export function seen(page: Page): Promise<Seen> {
  return page.evaluate(SEEN);
}

/** Runs in the browser. */
const SEEN = `(() => {
  const rgba = (color) => {
    const [r, g, b, a = 1] = color.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const light = ({ r, g, b }) => {
    const [R, G, B] = [r, g, b].map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color.a === 1) return color;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const faint = [];
  const texts = [];
  const undrawn = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (text === '' || element.getClientRects().length === 0) continue;
    texts.push(text);
    const range = document.createRange();
    range.selectNodeContents(walker.currentNode);
    if (range.getBoundingClientRect().width === 0) undrawn.push(text);
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(text);
  }
  const background = light(behind(document.body)) > 0.5 ? 'light' : 'dark';
  const width = document.documentElement.scrollWidth;
  return { width, text: texts.join('\\n'), undrawn, faint, background };
})()`;
