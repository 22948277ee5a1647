//! Builds the page if it is missing or older than its sources, so that the tests never look at an old one.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../../', import.meta.url));

const newest = (folder: string): number =>
  readdirSync(join(web, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs), 0);

export default () => {
  const page = join(web, 'dist/index.html');
  const sources = Math.max(newest('src'), newest('locales'), statSync(join(web, 'package-lock.json')).mtimeMs);
  if (!existsSync(page) || statSync(page).mtimeMs < sources) {
    execFileSync('npm', ['run', 'build'], { cwd: web, stdio: ['ignore', 'ignore', 'inherit'] });
  }
};
