import { render, screen } from '@testing-library/react';
import { lazy } from 'react';
import { expect, it, vi } from 'vitest';
import { Late } from '../../src/components/Late';

it('a dialog whose code does not come leaves the page, and says how to get it', async () => {
  // React tells of each error that a boundary catches.
  const told = vi.spyOn(console, 'error').mockImplementation(() => {});
  const quiet = (event: Event) => event.preventDefault();
  addEventListener('error', quiet);
  const Gone = lazy(() => Promise.reject<{ default: React.ComponentType }>(new Error('Loading chunk 7 failed')));
  render(
    <>
      <p>The page</p>
      <Late>
        <Gone />
      </Late>
    </>
  );
  expect((await screen.findByRole('alert')).textContent).toContain('Loading chunk 7 failed');
  screen.getByRole('button', { name: 'Load the page anew' });
  screen.getByText('The page');
  told.mockRestore();
  removeEventListener('error', quiet);
});
