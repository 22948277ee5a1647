// Keeps locales/en in step with the sentences in the code: `--write` updates the file, else a difference is an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = `${root}locales/en/plugin__netobserv-plugin.json`;

const sources = readdirSync(`${root}src`, { recursive: true })
  .filter(name => /\.tsx?$/.test(name))
  .map(name => readFileSync(`${root}src/${name}`, 'utf8'))
  .join('\n');

const keys = new Set([...sources.matchAll(/\b(?:t|sentence)\(\s*'((?:[^'\\]|\\.)*)'/g)].map(match => match[1]));
const committed = JSON.parse(readFileSync(file, 'utf8'));
const wanted = {};
for (const key of [...keys].sort()) {
  if (key.startsWith('{{count}}')) {
    // A count is shown as `shown`, with separators; the plural depends on the number itself.
    for (const form of ['one', 'other']) {
      wanted[`${key}_${form}`] = committed[`${key}_${form}`] ?? key;
    }
  } else {
    wanted[key] = key;
  }
}
const text = `${JSON.stringify(wanted, null, 2)}\n`;
if (process.argv.includes('--write')) {
  writeFileSync(file, text);
} else if (text !== readFileSync(file, 'utf8')) {
  console.error('locales/en is not in step with the code; run: npm run i18n');
  process.exit(1);
}
