//! What the operator makes the page show of a cluster, with every feature on. Who: the unit tests, beside `config`.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import type { FrontendConfig } from '../../src/api/types';
import { config } from './config';

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const tables = join(repository, 'operator/src/desired/config/console/frontend.yaml');
const written = load(readFileSync(tables, 'utf8')) as Pick<FrontendConfig, 'columns' | 'filters' | 'scopes' | 'fields'>;

export const operatorConfig: FrontendConfig = {
  ...config,
  ...written,
  features: [...new Set([...written.filters, ...written.scopes].flatMap(({ feature }) => feature ?? []))]
};
