import { fireEvent, render, screen } from '@testing-library/react';
import { expect, test } from 'vitest';
import { UnusableLink } from '../../src/components/Unusable';
import { PageProvider } from '../../src/hooks/use-page';
import { config } from './config';

const open = (search: string) => {
  history.replaceState(null, '', search);
  return render(
    <PageProvider config={config}>
      <UnusableLink />
    </PageProvider>
  );
};

test.each([
  ['?view=table&filters=bogus%3D1', /filter bogus=1 of this link is not known/],
  ['?filters=protocol%3D6%3Bbogus%3D1', /filter bogus=1 of/],
  ['?filters=protocol', /filter protocol of/],
  ['?filters=protocol%3D', /filter protocol= of/],
  [
    `?filters=${encodeURIComponent('resource!=Pod.a.x,Job.b.bogus,Deployment.c.y,Service.d.z')}`,
    /Exclude less at once/
  ],
  ['?filters=&off=bogus%3D1', /filter bogus=1 of/],
  ['?filters=&packetLoss=soon', /choice packetLoss=soon of/],
  ['?filters=&recordType=flow&match=some', /choice match=some, recordType=flow of/],
  ['?filters=&dataSource=soon', /choice dataSource=soon of/],
  ['?filters=&showDup=bogus', /choice showDup=bogus of/],
  ['?view=bogus&filters=', /choice view=bogus of this link is not known here; the usual is shown/],
  ['?filters=&scope=bogus&type=bogus', /choice scope=bogus, type=bogus of/],
  ['?filters=&limit=bogus&function=bogus', /choice limit=bogus, function=bogus of/],
  ['?filters=&startTime=200&endTime=100', /time startTime=200, endTime=100 of this link cannot be/],
  ['?filters=&startTime=100', /time startTime=100 of/],
  ['?filters=&startTime=1&endTime=99999999999', /cannot be/],
  ['?filters=&timeRange=2000000000', /cannot be/],
  ['?filters=&timeRange=soon', /time timeRange=soon of/]
])('a link that cannot be used is not silently another one: %s', (search, text) => {
  const page = open(search);
  expect(screen.getByRole('alert').textContent).toMatch(text);
  fireEvent.click(screen.getByRole('button', { name: 'Continue without' }));
  expect(screen.queryByRole('alert')).toBeNull();
  expect(location.search).not.toMatch(/bogus|startTime|soon/);
  page.unmount();
});

test.each([
  '?filters=&packetLoss=dropped&showDup=true',
  '',
  '?filters=protocol%3D6&timeRange=900',
  '?filters=&startTime=100&endTime=200',
  '?view=topology&filters=&scope=subnet&limit=50&type=Packets&function=max',
  '?filters=&limit=0'
])('of %j nothing is said', search => {
  const page = open(search);
  expect(screen.queryByRole('alert')).toBeNull();
  page.unmount();
});
