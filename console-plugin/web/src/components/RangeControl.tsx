//! Which time is shown: presets, exact times, and steps of the range's own width. Who: the frame.
//! **Invariant:** changes the range and nothing else.
import { Button, MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core';
import { AngleLeftIcon, AngleRightIcon, OutlinedClockIcon } from '@patternfly/react-icons';
import { lazy, useState } from 'react';
import { useRange } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { formatEnd, formatPreset } from '../model/format';
import { moveRange, RANGE_PRESETS_SECONDS, secondsOf, spanOf } from '../model/time';
import { Late } from './Late';

/** A dialog and a form, which few open. */
const loadExactTimes = () => import('./ExactTimes');
const ExactTimes = lazy(loadExactTimes);

const nowSeconds = () => Math.floor(Date.now() / 1000);

// What an <input type="datetime-local"> wants: local time without a zone.
const toLocalInput = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
};

const CUSTOM = -1;

export const RangeControl = () => {
  const t = useText();
  const [range, setRange] = useRange();
  const [isOpen, setIsOpen] = useState(false);
  const [openedAt] = useState(() => Date.now());
  const [draft, setDraft] = useState<{ start: string; end: string }>();

  const labelOf = (seconds: number) => t('Last {{duration}}', { duration: formatPreset(seconds) });
  const label =
    range.kind === 'relative'
      ? labelOf(range.seconds)
      : [range.start, range.end].map(each => formatEnd(each * 1000, secondsOf(range), openedAt)).join(' – ');

  const pick = (value: number) => {
    setIsOpen(false);
    if (value === CUSTOM) {
      const span = spanOf(range, nowSeconds());
      setDraft({ start: toLocalInput(span.start), end: toLocalInput(span.end) });
    } else {
      setRange({ kind: 'relative', seconds: value });
    }
  };

  return (
    <div className="netobserv-group" role="group" aria-label={t('Time range')}>
      <Button
        variant="plain"
        icon={<AngleLeftIcon />}
        aria-label={t('Earlier')}
        onClick={() => setRange(moveRange(range, -1, nowSeconds()))}
      />
      <Select
        isOpen={isOpen}
        selected={range.kind === 'relative' ? range.seconds : CUSTOM}
        onSelect={(_event, value) => pick(value as number)}
        onOpenChange={setIsOpen}
        toggle={ref => (
          <MenuToggle
            ref={ref}
            id="time-range-dropdown-dropdown"
            aria-label={`${t('Time range')}: ${label}`}
            icon={<OutlinedClockIcon />}
            isExpanded={isOpen}
            onClick={() => {
              // So that it is there when it is chosen.
              loadExactTimes().catch(() => undefined);
              setIsOpen(!isOpen);
            }}
          >
            {label}
          </MenuToggle>
        )}
      >
        <SelectList aria-label={t('Time range')}>
          {RANGE_PRESETS_SECONDS.map(seconds => (
            <SelectOption key={seconds} value={seconds}>
              {labelOf(seconds)}
            </SelectOption>
          ))}
          <SelectOption value={CUSTOM}>{t('Exact times…')}</SelectOption>
        </SelectList>
      </Select>
      <Button
        variant="plain"
        icon={<AngleRightIcon />}
        aria-label={t('Later')}
        isDisabled={range.kind === 'relative'}
        onClick={() => setRange(moveRange(range, 1, nowSeconds()))}
      />
      {draft && (
        <Late>
          <ExactTimes
            draft={draft}
            onDraft={setDraft}
            onClose={() => setDraft(undefined)}
            onApply={applied => {
              setDraft(undefined);
              setRange(applied);
            }}
          />
        </Late>
      )}
    </div>
  );
};
