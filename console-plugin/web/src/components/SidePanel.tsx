//! The panel at the right that explains what was selected. Who: the table, the topology.
//! **Invariant:** Escape and the close button close it; what it explains stays visible beside it.
import { Button, Title } from '@patternfly/react-core';
import { TimesIcon } from '@patternfly/react-icons';
import { useEffect } from 'react';
import { useText } from '../hooks/use-text';

interface Props {
  title: React.ReactNode;
  subtitle?: string;
  onClose: () => void;
  children: React.ReactNode;
}

export const SidePanel = ({ title, subtitle, onClose, children }: Props) => {
  const t = useText();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !event.defaultPrevented) {
        onClose();
      }
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [onClose]);
  return (
    <aside className="netobserv-panel" aria-label={t('Details')} data-test="drawer-body" id="elementPanel-drawer-body">
      <div className="netobserv-panel-head">
        <div>
          <Title headingLevel="h2" size="lg" className="netobserv-panel-title">
            {title}
          </Title>
          {subtitle && <div className="netobserv-subtle">{subtitle}</div>}
        </div>
        <Button variant="plain" icon={<TimesIcon />} aria-label={t('Close details')} onClick={onClose} />
      </div>
      <div className="netobserv-panel-body" tabIndex={0} role="region" aria-label={t('Details')}>
        {children}
      </div>
    </aside>
  );
};
