//! How often the page asks again, and asking now. Who: the frame.
//! **Invariant:** a range with an end never refreshes by itself, and the control says so.
import { Button } from '@patternfly/react-core';
import { SyncAltIcon } from '@patternfly/react-icons';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { formatPreset } from '../model/format';
import { REFRESH_PRESETS_MS } from '../model/time';
import { PickMenu } from './PickMenu';

export const RefreshControl = () => {
  const t = useText();
  const { state, refreshMs, isLive, setRefreshMs, refresh } = usePage();
  const isFixed = state.range.kind === 'absolute';
  const label = (ms: number) =>
    ms ? t('Every {{duration}}', { duration: formatPreset(ms / 1000) }) : t('Refresh off');
  return (
    <div className="netobserv-group" role="group" aria-label={t('Refresh')}>
      <PickMenu
        name={t('Refresh')}
        value={refreshMs}
        text={isFixed ? t('Fixed range') : undefined}
        icon={<span className={`netobserv-live ${isLive ? 'netobserv-live-on' : ''}`} aria-hidden />}
        options={REFRESH_PRESETS_MS.map(ms => ({ value: ms, label: label(ms) }))}
        onPick={ms => {
          setRefreshMs(ms);
          if (isFixed && ms > 0) {
            refresh();
          }
        }}
      />
      <Button variant="plain" icon={<SyncAltIcon />} aria-label={t('Refresh now')} onClick={refresh} />
    </div>
  );
};
