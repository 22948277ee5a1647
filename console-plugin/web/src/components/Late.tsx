//! A dialog whose code is loaded when it is opened. Who: `RangeControl`, `Shortcuts`.
//! **Invariant:** where the code does not come, as after an upgrade of the server, that is said where it was asked for.
import { Button } from '@patternfly/react-core';
import { ExclamationCircleIcon } from '@patternfly/react-icons';
import { Suspense } from 'react';
import { useText } from '../hooks/use-text';
import { Boundary } from './Boundary';

export const Late = ({ children }: { children: React.ReactNode }) => (
  <Boundary instead={error => <NotLoaded error={error} />}>
    <Suspense>{children}</Suspense>
  </Boundary>
);

const NotLoaded = ({ error }: { error: Error }) => {
  const t = useText();
  return (
    <div className="netobserv-refresh-failed" role="alert">
      <ExclamationCircleIcon aria-hidden />
      <span>{t('This part of the page could not be loaded: {{error}}', { error: error.message })}</span>
      <Button variant="link" isInline onClick={() => location.reload()}>
        {t('Load the page anew')}
      </Button>
    </div>
  );
};
