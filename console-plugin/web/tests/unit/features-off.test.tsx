import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { render, screen } from '@testing-library/react';
import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import type { FrontendConfig } from '../../src/api/types';
import { PageProvider } from '../../src/hooks/use-page';
import { FeaturesOff } from '../../src/pages/overview/FeaturesOff';
import { config } from './config';
import { operatorConfig } from './operator-config';

const file = join(dirname(fileURLToPath(import.meta.url)), '../../../config/onehost-frontend.yaml');
const { frontend } = load(readFileSync(file, 'utf8')) as { frontend: Partial<FrontendConfig> };
const oneHost = { ...config, ...frontend };

it.each<[what: string, config: FrontendConfig, advised: string[]]>([
  ['one host', oneHost, []],
  ['one host, all off', { ...oneHost, features: [] }, ['ENABLE_DNS_TRACKING', 'ENABLE_RTT']],
  ['a cluster, all on', operatorConfig, []],
  ['a cluster, all off', { ...operatorConfig, features: [] }, ['ENABLE_PKT_DROPS', 'ENABLE_DNS_TRACKING', 'ENABLE_RTT']]
])('advises what is off and can be had: %s', (_what, config, advised) => {
  const page = render(
    <PageProvider config={config}>
      <FeaturesOff />
    </PageProvider>
  );
  const told = screen.queryAllByText(/=true$/).map(element => element.textContent);
  expect(told).toEqual(advised.map(variable => `${variable}=true`));
  page.unmount();
});
