import { fireEvent, render, screen } from '@testing-library/react';
import { beforeEach, expect, it } from 'vitest';
import { FilterBar } from '../../src/components/FilterBar';
import { CopyProvider } from '../../src/hooks/use-copy';
import { PageProvider } from '../../src/hooks/use-page';
import { config } from './config';

const filtersOf = () => new URLSearchParams(location.search).get('filters');
const open = (search: string) => {
  history.replaceState(null, '', search);
  return render(
    <PageProvider config={config}>
      <CopyProvider>
        <FilterBar />
      </CopyProvider>
    </PageProvider>
  );
};
const click = (name: string | RegExp) => fireEvent.click(screen.getByRole('button', { name }));

beforeEach(() => localStorage.clear());

it('shows what a link chooses beside filters, and takes it back', () => {
  const page = open('?filters=&packetLoss=dropped&showDup=true&dataSource=loki&recordType=endConnection');
  for (const name of [/dropped packets only/, /Duplicates/, /Loki/, /Ends of connections/]) {
    expect(screen.getByRole('button', { name })).toBeTruthy();
  }
  click(/Remove filter Duplicates/);
  expect(location.search).not.toContain('showDup');
  expect(location.search).toContain('packetLoss=dropped');
  click('Clear all filters');
  expect(location.search).not.toMatch(/packetLoss|dataSource|recordType/);
  page.unmount();
});

it('applies nothing of a text that is not understood, and keeps it', () => {
  const page = open('?filters=protocol%3D6');
  const input = screen.getByRole<HTMLInputElement>('combobox');
  fireEvent.change(input, { target: { value: 'port 443 subnet demo shop' } });
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(filtersOf()).toBe('protocol=6');
  expect(input.value).toBe('port 443 subnet demo shop');
  expect(screen.getByRole('alert').textContent).toContain('subnet "demo shop"');
  page.unmount();
});

it('leaves a filter on while it is edited, and puts the new one in its place', () => {
  const page = open('?filters=dst_port%3D443%3Bprotocol%3D6');
  click(/^Destination port/i);
  fireEvent.click(screen.getByRole('menuitem', { name: 'Edit' }));
  expect(filtersOf()).toBe('dst_port=443;protocol=6');
  const input = screen.getByRole('combobox');
  expect((input as HTMLInputElement).value).toBe('dst_port=443');
  fireEvent.change(input, { target: { value: 'dst_port=8443' } });
  fireEvent.keyDown(input, { key: 'Enter' });
  expect(filtersOf()).toBe('protocol=6;dst_port=8443');
  page.unmount();
});
