//! The dialog for a range between two times. Who: `RangeControl`, as a chunk of its own.
//! **Invariant:** local time, as the rest of the page; a range that ends before it starts cannot be applied.
import { Button, Form, FormGroup, Modal, ModalBody, ModalFooter, ModalHeader, TextInput } from '@patternfly/react-core';
import { useText } from '../hooks/use-text';
import type { TimeRange } from '../model/time';

const fromLocalInput = (value: string): number => Math.floor(new Date(value).getTime() / 1000);

interface Props {
  draft: { start: string; end: string };
  onDraft: (draft: { start: string; end: string }) => void;
  onApply: (range: TimeRange) => void;
  onClose: () => void;
}

const ExactTimes = ({ draft, onDraft, onApply, onClose }: Props) => {
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

export default ExactTimes;
