//! Builds the page if it is missing or its sources changed, so that the tests never look at an old one.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const build = fileURLToPath(new URL('../../../../../hack/build', import.meta.url));

export default () => {
  execFileSync(build, ['web-build'], { stdio: ['ignore', 'ignore', 'inherit'] });
};
