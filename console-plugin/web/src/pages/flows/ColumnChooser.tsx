//! Which columns the table shows. Who: `FlowsPage`.
//! **Invariant:** at least one column stays; nothing changes before "Save".
import { Button, Checkbox, Modal, ModalBody, ModalFooter, ModalHeader, SearchInput } from '@patternfly/react-core';
import { useState } from 'react';
import type { ColumnConfig } from '../../api/types';
import { useText } from '../../hooks/use-text';
import { defaultColumns, fullName } from '../../model/columns';
import { sentenceCase } from '../../model/format';

interface Props {
  columns: ColumnConfig[];
  selected: string[];
  onSave: (selected: string[]) => void;
  onClose: () => void;
}

export const ColumnChooser = ({ columns, selected, onSave, onClose }: Props) => {
  const t = useText();
  const [draft, setDraft] = useState(new Set(selected));
  const [search, setSearch] = useState('');
  const shown = columns.filter(column => fullName(column).toLowerCase().includes(search.toLowerCase()));
  const groups = [...new Set(shown.map(column => column.group ?? ''))];
  const toggle = (id: string, isOn: boolean) => {
    const next = new Set(draft);
    if (isOn) {
      next.add(id);
    } else {
      next.delete(id);
    }
    setDraft(next);
  };
  return (
    <Modal isOpen variant="medium" onClose={onClose} aria-labelledby="columns-title" id="columns-modal">
      <ModalHeader
        title={t('Columns')}
        labelId="columns-title"
        description={t('{{count}} of {{total}} columns are shown.', { count: draft.size, total: columns.length })}
      />
      <ModalBody tabIndex={0} aria-label={t('Columns')}>
        <SearchInput
          value={search}
          placeholder={t('Find a column')}
          aria-label={t('Find a column')}
          onChange={(_event, value) => setSearch(value)}
          onClear={() => setSearch('')}
        />
        <div className="netobserv-column-groups">
          {groups.map(group => (
            <fieldset key={group}>
              <legend>{group ? t(group) : t('General')}</legend>
              {shown
                .filter(column => (column.group ?? '') === group)
                .map(column => (
                  <Checkbox
                    key={column.id}
                    id={`column-${column.id}`}
                    label={sentenceCase(column.name)}
                    description={column.tooltip}
                    isChecked={draft.has(column.id)}
                    onChange={(_event, isOn) => toggle(column.id, isOn)}
                  />
                ))}
            </fieldset>
          ))}
        </div>
      </ModalBody>
      <ModalFooter>
        <Button
          isDisabled={draft.size === 0}
          onClick={() => onSave(columns.map(column => column.id).filter(id => draft.has(id)))}
        >
          {t('Save')}
        </Button>
        <Button variant="secondary" onClick={() => setDraft(new Set(defaultColumns(columns)))}>
          {t('Restore defaults')}
        </Button>
        <Button variant="link" onClick={onClose}>
          {t('Cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
};
