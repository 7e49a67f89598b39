/** Markup that cannot be broken out of: whatever is put into a template is text, unless it is markup itself. */

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Nothing is shown for what is absent or false. */
export type Content = Markup | string | number | undefined | false | readonly Content[];

/** Attributes have to be in quotes. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  return new Markup(parts.map((part, at) => part + markupOf(contents[at])).join(''));
}

function markupOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'object') return content.map(markupOf).join('');
  return escaped(`${content}`);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Characters that HTML has no place for are shown as such. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => ENTITIES[character]!)
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** A link to a web page; any other address, such as one that is a script, is text. */
export function link(url: string, words: string): Markup {
  return /^https?:\/\//i.test(url) ? html`<a href="${url}">${words}</a>` : html`${url}`;
}

/** A section of the page; none when it has nothing to show. */
export function section(title: string, content: Markup | undefined): Markup | undefined {
  return content && html`<section><h2>${title}</h2>\n${content}</section>\n`;
}

/** `2026-11-26 08:00:00 UTC`: a page is read in other zones than it was made in. */
export function timeWords(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `1,234`. */
export function numberWords(number: number): string {
  return number.toLocaleString('en');
}
