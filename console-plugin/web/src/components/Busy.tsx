//! A bar after a moment of waiting, and a way to stop waiting after a long one. Who: the three views.
//! **Invariant:** it stands for every question of the view; short loads show nothing, so that a refresh every few
//! seconds does not flicker.
import { Button } from '@patternfly/react-core';
import { useEffect, useState } from 'react';
import { useIsBusy } from '../hooks/use-activity';
import { useText } from '../hooks/use-text';

const SLOW_MS = 300;
const LONG_MS = 5000;

export const Busy = () => {
  const t = useText();
  const [isBusy, cancelAll] = useIsBusy();
  const [age, setAge] = useState<'new' | 'slow' | 'long'>('new');
  useEffect(() => {
    if (!isBusy) {
      return undefined;
    }
    const slow = setTimeout(() => setAge('slow'), SLOW_MS);
    const long = setTimeout(() => setAge('long'), LONG_MS);
    return () => {
      clearTimeout(slow);
      clearTimeout(long);
      setAge('new');
    };
  }, [isBusy]);
  if (!isBusy || age === 'new') {
    return null;
  }
  return (
    <div className="netobserv-busy" role="status">
      <span className="netobserv-busy-bar" />
      {age === 'long' && (
        <span className="netobserv-busy-text">
          {t('This takes long. A shorter range or more filters help.')}{' '}
          <Button variant="link" isInline onClick={cancelAll}>
            {t('Cancel')}
          </Button>
        </span>
      )}
    </div>
  );
};
