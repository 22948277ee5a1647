//! A word about the last copy, for a moment. Who: the frame. **Invariant:** nothing below it moves or is out of reach.
import { Alert } from '@patternfly/react-core';
import { useCopying } from '../hooks/use-copy';
import { useText } from '../hooks/use-text';

const SHOWN_MS = 3000;

export const CopyNotice = () => {
  const t = useText();
  const { outcome, forget } = useCopying();
  return (
    <div role="status" className="netobserv-copy-notice">
      {outcome && (
        <Alert
          key={outcome.id}
          isInline
          variant={outcome.isCopied ? 'success' : 'danger'}
          title={
            outcome.isCopied
              ? t('Copied')
              : t('The browser does not let the page copy: select the text and copy it with the keyboard')
          }
          timeout={SHOWN_MS}
          onTimeout={forget}
        />
      )}
    </div>
  );
};
