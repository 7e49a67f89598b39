/** Text in lines of a width: at spaces only, so that what is copied stays whole; an indented value is a command, and is left alone. */
export function wrapped(value: string, width: number): string[] {
  if (value.length <= width || value.startsWith(' ')) return [value];
  const lines: string[] = [];
  for (const word of value.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
