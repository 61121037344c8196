/** A Markdown table of the event vocabulary, from the docstrings of `EventData`. @throws Error on an event without one */
export function events(source: string): string {
  const body = /export type EventData = \{\n([\s\S]*?)\n\};/.exec(source)?.[1];
  if (body === undefined) throw new Error('event.ts has no EventData');
  const rows: string[] = [];
  let words = '';
  for (const line of body.split('\n')) {
    if (/^ {3}\*\/$/.test(line)) continue;
    const comment = /^ {2}(?:\/\*\*| \*) ?(.*?)(?:\s*\*\/)?$/.exec(line)?.[1];
    if (comment !== undefined) {
      words = `${words} ${comment}`.trim();
      continue;
    }
    const name = /^ {2}([A-Z]\w+):/.exec(line)?.[1];
    if (name === undefined) continue;
    if (words === '') throw new Error(`the event ${name} has no docstring`);
    rows.push(`| \`${name}\` | ${words.replaceAll('|', '\\|')} |`);
    words = '';
  }
  return ['| event | what happened |', '| --- | --- |', ...rows].join('\n');
}
