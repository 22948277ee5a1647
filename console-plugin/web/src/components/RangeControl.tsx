//! Which time is shown: presets, exact times, and steps of the range's own width. Who: the frame.
//! **Invariant:** changes the range and nothing else.
import {
  Button,
  Form,
  FormGroup,
  MenuToggle,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  TextInput
} from '@patternfly/react-core';
import { Select, SelectList, SelectOption } from '@patternfly/react-core';
import { AngleLeftIcon, AngleRightIcon, OutlinedClockIcon } from '@patternfly/react-icons';
import { useState } from 'react';
import { useRange } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { formatEnd, formatPreset } from '../model/format';
import { moveRange, RANGE_PRESETS_SECONDS, secondsOf, spanOf, type TimeRange } from '../model/time';

const nowSeconds = () => Math.floor(Date.now() / 1000);

// What an <input type="datetime-local"> wants: local time without a zone.
const toLocalInput = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
};

const fromLocalInput = (value: string): number => Math.floor(new Date(value).getTime() / 1000);

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
            onClick={() => setIsOpen(!isOpen)}
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
        <ExactTimes
          draft={draft}
          onDraft={setDraft}
          onClose={() => setDraft(undefined)}
          onApply={applied => {
            setDraft(undefined);
            setRange(applied);
          }}
        />
      )}
    </div>
  );
};

interface ExactTimesProps {
  draft: { start: string; end: string };
  onDraft: (draft: { start: string; end: string }) => void;
  onApply: (range: TimeRange) => void;
  onClose: () => void;
}

const ExactTimes = ({ draft, onDraft, onApply, onClose }: ExactTimesProps) => {
  const t = useText();
  const [start, end] = [fromLocalInput(draft.start), fromLocalInput(draft.end)];
  const isValid = end > start;
  return (
    <Modal isOpen variant="small" onClose={onClose} aria-labelledby="exact-times-title">
      <ModalHeader
        title={t('Exact times')}
        labelId="exact-times-title"
        description={t('In the time zone of this browser, {{zone}}.', {
          zone: Intl.DateTimeFormat().resolvedOptions().timeZone
        })}
      />
      <ModalBody>
        <Form id="exact-times" onSubmit={event => event.preventDefault()}>
          <FormGroup label={t('From')} fieldId="exact-from">
            <TextInput
              id="exact-from"
              type="datetime-local"
              value={draft.start}
              onChange={(_event, value) => onDraft({ ...draft, start: value })}
            />
          </FormGroup>
          <FormGroup label={t('To')} fieldId="exact-to">
            <TextInput
              id="exact-to"
              type="datetime-local"
              value={draft.end}
              validated={isValid ? 'default' : 'error'}
              onChange={(_event, value) => onDraft({ ...draft, end: value })}
            />
          </FormGroup>
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isDisabled={!isValid} onClick={() => onApply({ kind: 'absolute', start, end })}>
          {t('Apply')}
        </Button>
        <Button variant="link" onClick={onClose}>
          {t('Cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
};
