import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { ColumnConfig } from '../../src/api/types';
import { fieldOf } from '../../src/model/columns';
import { nameOfField } from '../../src/model/field-names';
import { operatorConfig } from './operator-config';

const crate = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const text = (path: string) => readFileSync(join(crate, path), 'utf8');
const dictionary = JSON.parse(text('contracts/vendored/flowlogs-pipeline/fields.json')) as {
  fields: { name: string }[];
};
const oneHost = load(text('config/onehost-frontend.yaml')) as { frontend: { columns: ColumnConfig[] } };

test.each([
  ['one host', oneHost.frontend.columns],
  ['a cluster', operatorConfig.columns]
])('every field has a name on the page of %s, also without a column', (_what, columns) => {
  const named = new Set(columns.filter(column => !column.calculated).map(fieldOf));
  const nameless = dictionary.fields.map(field => field.name).filter(name => !named.has(name) && !nameOfField(name));
  expect(nameless).toEqual([]);
});

test.each([
  ['TimeReceived', ['Received by the pipeline']],
  ['SrcK8S_OwnerType', ['Owner kind']],
  ['XlatDstAddr', ['Translated', 'IP']],
  ['SomethingElse', undefined]
])('%s', (field, name) => expect(nameOfField(field)).toEqual(name));
